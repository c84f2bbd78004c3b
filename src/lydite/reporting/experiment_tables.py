"""What every experiment found: a table of arms and outcomes, for the report and the terminal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.experiments.words import describe_reading, shown_interval
from lydite.reporting.display_names import channel_word, experiment_word
from lydite.reporting.formats import count, decimals_for, fixed, half_width, percent, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

#: The heads of the table of one experiment.
HEADS = ("outcome", "arm", "in control", "in the arm", "difference", "interval", "finding")
_METRICS = {"value": "value per user", "conversions": "total"}
_FINDINGS = {
    "too_small": "too small to matter",
    "undecided": "no difference shown",
    "not_readable": "cannot be read",
}
_ATTENTION = ("failed", "warning", "waiting")


@dataclass(frozen=True)
class Experiment:
    """One experiment for readers.

    `reading` says which intervals may be read, where it is not over. `rows` has the cells of
    `HEADS` for each outcome and arm that is compared with control. `notes` are the checks that need
    attention.
    """

    name: str
    about: str
    hypothesis: str
    reading: str
    notes: Sequence[str]
    rows: Sequence[tuple[str, ...]]


def experiments_of(comparison: Comparison) -> list[Experiment]:
    """Return all experiments that were read, in the order of the settings."""
    readout = comparison.marts.get("experiments")
    if readout is None:
        return []
    names = comparison.report_settings.channel_names
    found: dict[str, list[Row]] = {}
    for row in readout.iter_rows(named=True):
        found.setdefault(row["experiment"], []).append(row)
    return [_experiment(rows, _notes(comparison, name), names) for name, rows in found.items()]


def experiments_summary(comparison: Comparison) -> str:
    """Return how many experiments are over, go on, or cannot be read, in a few words."""
    readout = comparison.marts.get("experiments")
    if readout is None or readout.is_empty():
        return ""
    states = dict(readout.group_by("may_read").agg(number="experiment").rows())
    words = {"fixed": "over", "always_valid": "going on", "none": "not readable"}
    return ", ".join(
        f"{count(len(set(states[state])))} {text}"
        for state, text in words.items()
        if state in states
    )


def _notes(comparison: Comparison, name: str) -> list[str]:
    checks = comparison.marts.get("experiment_checks")
    if checks is None:
        return []
    own = checks.filter(experiment=name)
    return [plain(row["text"]) for row in own.iter_rows(named=True) if row["status"] in _ATTENTION]


def _experiment(rows: Sequence[Row], notes: Sequence[str], names: dict[str, str]) -> Experiment:
    first = rows[0]
    name = experiment_word(first["experiment"])
    channel = "" if first["channel"] is None else channel_word(first["channel"], names)
    kind = "holdout" if first["varies"] == "channel" else "messages"
    return Experiment(
        name=name[:1].upper() + name[1:],
        about=f"{kind} of {channel}" if channel else kind,
        hypothesis=plain(first["hypothesis"]),
        reading=""
        if first["may_read"] == "fixed"
        else describe_reading(first["may_read"], first["readable_on"]),
        notes=notes,
        rows=[_cells(row) for row in rows if row["arm"] != row["control"]],
    )


def _cells(row: Row) -> tuple[str, ...]:
    marks = [_METRICS.get(row["metric"]), "decides" if row["is_primary"] else None]
    more = ", ".join(filter(None, marks))
    return (
        plain(row["outcome"]) + (f" ({more})" if more else ""),
        plain(row["arm"]),
        show(row, row["control_mean"]),
        show(row, row["mean"]),
        show_difference(row),
        show_interval(row),
        finding(row),
    )


def show(row: Row, value: float | None) -> str:
    """Return a mean of an arm: a rate in percent, else a number by its error."""
    if value is None:
        return ""
    return percent(value, 2) if row["metric"] == "rate" else fixed(value, _decimals(row))


def show_difference(row: Row) -> str:
    """Return the difference of a row, of rates in percentage points; empty without one."""
    if row["difference"] is None:
        return ""
    return f"{_signed(row, row['difference'])}{' points' if row['metric'] == 'rate' else ''}"


def show_interval(row: Row) -> str:
    """Return the interval that may be read, in the unit of the difference; empty without one."""
    low, high = shown_interval(row)
    if low is None or high is None:
        return ""
    return f"{_signed(row, low)} to {_signed(row, high)}"


def finding(row: Row) -> str:
    """Return the verdict of a row in words."""
    verdict = row["verdict"] or "control"
    return _FINDINGS.get(verdict, verdict)


def _signed(row: Row, value: float) -> str:
    is_rate = row["metric"] == "rate"
    text = fixed(100 * value if is_rate else value, 2 if is_rate else _decimals(row))
    return text if text.startswith("−") or not text.strip("0.") else f"+{text}"


def _decimals(row: Row) -> int:
    width = half_width(*shown_interval(row))
    return decimals_for(None if width is None else width / 10, usual=2, most=2)
