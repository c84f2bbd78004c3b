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

#: The verdict of the experiments on the credit of each model, over all experiments on an outcome.
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
        The experiment that contradicts the credit; it outranks the forecast.
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
    if EXPERIMENT_VERDICTS in marts:
        contradicted = marts[EXPERIMENT_VERDICTS].filter(pl.col("verdict") == CONTRADICTED)
        for outcome, model, name, day in contradicted.select(
            "outcome", "model", "experiment", "read_on"
        ).rows():
            by_fit = found.get((outcome, model), Refutation(None, None))
            found[outcome, model] = Refutation(by_fit.by, day, name)
    return found
