"""The result of a check, as plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal

Level = Literal["error", "warning", "note"]


@dataclass(frozen=True)
class ColumnSummary:
    """One column of an input table, as it was loaded.

    Attributes
    ----------
    name
        The column of the input table, or a segment.
    filled, nulls
        Accepted rows with and without a value.
    distinct
        Number of distinct values; None for numbers.
    low, high
        The range of times (UTC), days and numbers; None for text.
    top
        The most frequent values of a label, with their rows.
    """

    name: str
    filled: int
    nulls: int
    distinct: int | None = None
    low: float | str | None = None
    high: float | str | None = None
    top: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class RowsSetAside:
    """Rows of a table that are not used, for one reason.

    Attributes
    ----------
    reason
        Name of the reason, as in ``quarantine.<table>``.
    rows
        Number of rows.
    examples
        Some values of the column that is wrong.
    fix
        What to do.
    """

    reason: str
    rows: int
    examples: tuple[str, ...]
    fix: str


@dataclass(frozen=True)
class TableSummary:
    """One input table.

    Attributes
    ----------
    name
        Name of the table.
    source
        Where it was read from, without secrets.
    read, rows
        Rows of the source, and rows that are used.
    duplicates
        Copies of other rows, which are counted once.
    refunds
        Rows that were subtracted from the value of another.
    set_aside
        Rows that are not used, by reason.
    columns
        The columns that the source has.
    """

    name: str
    source: str
    read: int
    rows: int
    duplicates: int
    refunds: int
    set_aside: tuple[RowsSetAside, ...]
    columns: tuple[ColumnSummary, ...]


@dataclass(frozen=True)
class OutcomeSummary:
    """One outcome: its history, and the forecasts that this gives.

    Attributes
    ----------
    outcome
        Name of the outcome.
    conversions
        Conversions in the data.
    without_touch
        Conversions without a touch on their path: they are unattributed.
    without_any_touch
        Those of users who have no touch at all.
    repeats
        Conversions that follow another of the user without a touch in between.
    after_conversion
        What the settings say about these.
    lookback
        How long before a conversion a touch counts; None for a path table.
    first_day, as_of
        The first day of the touchpoints, and the day up to which the data is complete.
    days
        Length of the history in days.
    period, forecasts
        The length of a period, and how many of them can be forecast.
    first_forecast
        Where there are none: the day from which on there are.
    """

    outcome: str
    conversions: int
    without_touch: int
    without_any_touch: int = 0
    repeats: int = 0
    after_conversion: str | None = None
    lookback: str | None = None
    first_day: date | None = None
    as_of: date | None = None
    days: int | None = None
    period: str | None = None
    forecasts: int = 0
    first_forecast: date | None = None


@dataclass(frozen=True)
class DataFinding:
    """Something to know about the data.

    Attributes
    ----------
    level
        ``error``: it stops a run or its publication; ``warning``: results may be wrong; ``note``:
        how the data was read.
    kind
        Name of the kind, as in `Comparison.warnings`.
    text
        What was found.
    fix
        What to do, in one line.
    table, outcome
        What it concerns; None for all.
    """

    level: Level
    kind: str
    text: str
    fix: str
    table: str | None = None
    outcome: str | None = None


@dataclass(frozen=True, repr=False)
class DataCheck:
    """What `lydite.check` found.

    Attributes
    ----------
    tables
        The input tables that were read.
    outcomes
        The outcomes; empty where the data cannot be used.
    findings
        Errors first, then warnings, then notes.
    direct
        The channels that are treated as direct traffic.
    """

    tables: tuple[TableSummary, ...]
    outcomes: tuple[OutcomeSummary, ...]
    findings: tuple[DataFinding, ...]
    direct: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing stops a run."""
        return not self.count("error")

    def count(self, level: Level) -> int:
        """Return the number of findings of a level."""
        return sum(finding.level == level for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data: what ``lydite check --json`` prints."""
        found = {"ok": self.ok, **asdict(self)}
        plain: dict[str, Any] = _plain(found)
        return plain

    def __repr__(self) -> str:
        """Return one line, and one for each error and warning."""
        counts = ", ".join(
            f"{n} {word if n == 1 else word + 's'}"
            for n, word in (
                (len(self.tables), "table"),
                (len(self.outcomes), "outcome"),
                (self.count("error"), "error"),
                (self.count("warning"), "warning"),
            )
        )
        lines = [
            f"  {finding.level}: {finding.text}"
            for finding in self.findings
            if finding.level != "note"
        ]
        return "\n".join([f"DataCheck({'ok' if self.ok else 'not ok'}: {counts})", *lines])


def _plain(value: Any) -> Any:  # noqa: ANN401 - any nested data
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value.isoformat() if isinstance(value, date) else value
