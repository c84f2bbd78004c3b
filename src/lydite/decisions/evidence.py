"""What refutes a model: the fit of another one, or an experiment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from lydite.evaluation.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    #: Tables by name, as in the schema ``mart``.
    Marts = Mapping[str, pl.DataFrame]


@dataclass(frozen=True)
class Refutation:
    """What refuted a model.

    Attributes
    ----------
    by
        The model that forecasts better for sure.
    since
        First day of the period at whose end that was first certain; None where unknown.
    """

    by: str | None
    since: date | None

    def __str__(self) -> str:
        """Return it in words: ``linear, in the period from 2026-03-02``."""
        when = "" if self.since is None else f", in the period from {self.since}"
        return f"{self.by or 'another model'}{when}"


def rivals_of(marts: Marts, outcome: str | None = None) -> pl.DataFrame:
    """Return the rows of the rivals among all users, of one outcome or of all."""
    rows = marts["model_comparison"].filter(
        pl.col("segment") == ALL, pl.col("verdict").is_not_null()
    )
    return rows if outcome is None else rows.filter(pl.col("outcome") == outcome)


def read_refutations(marts: Marts) -> dict[tuple[str, str], Refutation]:
    """Return what refuted each refuted model, by outcome and model."""
    refuted = rivals_of(marts).filter(pl.col("verdict") == "refuted")
    rows = refuted.select("outcome", "model", "refuted_by", "refuted_in").rows()
    return {(outcome, model): Refutation(by, since) for outcome, model, by, since in rows}
