"""What `lydite.read_experiment` returns: data only."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, cast

from lydite.dataframes import FrameT_co, to_frame
from lydite.experiments.words import describe_reading, describe_row

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import polars as pl

    from lydite.dataframes import FrameKind
    from lydite.engine import DuckDBEngine


@dataclass(frozen=True, repr=False)
class ExperimentReading(Generic[FrameT_co]):
    """The reading of one experiment.

    Its tables come as the kind of frame that the conversions were: polars, Arrow, or pandas, also
    for files.

    Attributes
    ----------
    name
        Name of the experiment.
    rows : polars.DataFrame
        A row per outcome, metric and arm; the columns are those of ``mart.experiments``.
    check_rows : polars.DataFrame
        A row per check; the columns are those of ``mart.experiment_checks``.
    """

    name: str
    rows: pl.DataFrame
    check_rows: pl.DataFrame
    _kind: FrameKind = field(default="polars")

    @property
    def table(self) -> FrameT_co:
        """The arms compared with the control arm: one row per outcome, metric and arm."""
        return cast("FrameT_co", to_frame(self.rows, self._kind))

    @property
    def checks(self) -> FrameT_co:
        """The checks, with their status and the numbers behind it."""
        return cast("FrameT_co", to_frame(self.check_rows, self._kind))

    @property
    def may_read(self) -> str:
        """``"fixed"``, ``"always_valid"`` or ``"none"``: which intervals may be read now."""
        return str(self.rows["may_read"][0]) if len(self.rows) else "none"

    @property
    def readable_on(self) -> datetime | None:
        """When all windows are over; None if unknown."""
        return self.rows["readable_on"][0] if len(self.rows) else None

    def verdict(self) -> str:
        """Return what the primary outcome says, and which intervals may be read, in words."""
        primary = self.rows.filter("is_primary", self.rows["verdict"].is_not_null())
        sentences = [describe_row(row) for row in primary.iter_rows(named=True)]
        return " ".join([*sentences, describe_reading(self.may_read, self.readable_on)])

    def to_dict(self) -> dict[str, Any]:
        """Return the reading as plain data: what ``lydite experiments --format json`` prints."""
        on = self.readable_on
        return {
            "experiment": self.name,
            "verdict": self.verdict(),
            "may_read": self.may_read,
            "readable_on": None if on is None else on.isoformat(),
            "rows": self.rows.drop("experiment", "readable_on", "may_read").to_dicts(),
            "checks": self.check_rows.drop("experiment").to_dicts(),
        }

    def __repr__(self) -> str:
        """Return name, size and what may be read in a line."""
        arms = self.rows.unique("arm")
        verdicts = self.rows.filter("is_primary")["verdict"].drop_nulls()
        return (
            f"ExperimentReading({self.name!r}: {len(arms)} arms, {arms['users'].sum() or 0:,}"
            f" units, may_read={self.may_read!r}, {', '.join(verdicts) or 'no verdict'})"
        )


def readings(
    engine: DuckDBEngine, kind: FrameKind = "polars", names: Sequence[str] | None = None
) -> list[ExperimentReading]:
    """Return the experiments that `lydite.experiments.reading.read_experiments` has read.

    Parameters
    ----------
    engine
        Holds the tables.
    kind
        The kind of frame that the tables of the results are.
    names
        The experiments; all of them by default.
    """
    rows, checks = engine.frame("from experiments.readout"), engine.frame("from experiments.checks")
    found = names if names is not None else checks["experiment"].unique(maintain_order=True)
    return [
        ExperimentReading(name, rows.filter(experiment=name), checks.filter(experiment=name), kind)
        for name in found
    ]
