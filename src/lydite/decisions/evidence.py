"""What refutes a model: the fit of another one, or an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.evaluation.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    #: Tables by name, as in the schema ``mart``.
    Marts = Mapping[str, pl.DataFrame]

#: The verdict of the experiments on each model, over all experiments on an outcome: on its credit,
#: and in the columns ``hypothesis_...`` on what it expects of the channels.
EXPERIMENT_VERDICTS = "experiment_verdicts"
CONTRADICTED = "contradicted"
EXPERIMENT_COLUMNS: dict[str, Any] = {
    "outcome": pl.String,
    "model": pl.String,
    "verdict": pl.String,
    "experiment": pl.String,  # the one that contradicts it most certainly
    "read_on": pl.Date,
}


@dataclass(frozen=True)
class Refutation:
    """What refuted a model.

    Attributes
    ----------
    by
        The model that forecasts better for sure; None where only an experiment speaks.
    since
        First day of the period at whose end that was first certain, or the day on which the
        experiment was read; None where unknown.
    experiment
        The experiment that contradicts the credit, or else what the model expects; it outranks the
        forecast.
    """

    by: str | None
    since: date | None
    experiment: str | None = None

    def __str__(self) -> str:
        """Return it in words: ``linear, in the period from 2026-03-02``."""
        if self.experiment is not None:
            read = "" if self.since is None else f", read on {self.since}"
            return f"the experiment {self.experiment}{read}"
        when = "" if self.since is None else f", in the period from {self.since}"
        return f"{self.by or 'another model'}{when}"


def rivals_of(marts: Marts, outcome: str | None = None) -> pl.DataFrame:
    """Return the rows of the rivals among all users, of one outcome or of all."""
    rows = marts["model_comparison"].filter(
        pl.col("segment") == ALL, pl.col("verdict").is_not_null()
    )
    return rows if outcome is None else rows.filter(pl.col("outcome") == outcome)


def read_refutations(marts: Marts) -> dict[tuple[str, str], Refutation]:
    """Return what refuted each refuted model, by outcome and model.

    Parameters
    ----------
    marts
        The table ``model_comparison`` and, where there are experiments, `EXPERIMENT_VERDICTS`.
    """
    refuted = rivals_of(marts).filter(pl.col("verdict") == "refuted")
    rows = refuted.select("outcome", "model", "refuted_by", "refuted_in").rows()
    found = {(outcome, model): Refutation(by, since) for outcome, model, by, since in rows}
    for outcome, model, name, day in _contradicted(marts):
        by_fit = found.get((outcome, model), Refutation(None, None))
        found[outcome, model] = Refutation(by_fit.by, day, name)
    return found


def _contradicted(marts: Marts) -> list[tuple[str, str, str, date | None]]:
    """Return outcome, model, experiment and day of the models that experiments contradict.

    A model whose credit and whose expectation are contradicted is there with its credit, last.
    """
    if EXPERIMENT_VERDICTS not in marts:
        return []
    verdicts, rows = marts[EXPERIMENT_VERDICTS], []
    for prefix in ("hypothesis_", ""):
        columns = [f"{prefix}{name}" for name in ("verdict", "experiment", "read_on")]
        if set(columns) <= set(verdicts.columns):  # an earlier version wrote fewer
            known = verdicts.filter(pl.col(columns[0]) == CONTRADICTED)
            rows += known.select("outcome", "model", *columns[1:]).rows()
    return rows
