"""What an experiment found, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = Mapping[str, Any]

_VERDICTS = {
    "higher": "higher than in {control}",
    "lower": "lower than in {control}",
    "too_small": "differs from {control} by less than what matters",
    "undecided": "not shown to differ from {control}",
    "not_readable": "cannot be read",
}


def describe_row(row: Row) -> str:
    """Return a sentence about one arm and outcome.

    Parameters
    ----------
    row
        A row of the readout, of an arm other than the control arm.
    """
    what = f"{row['outcome']} {row['metric']} of {row['arm']}"
    verdict = _VERDICTS[row["verdict"]].format(control=row["control"])
    if row["difference"] is None:
        return f"{what}: {verdict}."
    low, high = shown_interval(row)
    change = _change(row, row["difference"])
    if low is None or high is None:
        return f"{what}: {verdict}, {change}."
    return f"{what}: {verdict}, {change} ({_change(row, low)} to {_change(row, high)})."


def describe_reading(may_read: str, readable_on: object) -> str:
    """Return which interval may be read now, and why."""
    date = "" if readable_on is None else f" on {str(readable_on)[:10]}"
    return {
        "fixed": "The experiment is over: its fixed-size intervals may be read.",
        "always_valid": "The experiment goes on: read only the intervals that hold at every look."
        + (f" All of it can be read{date}." if date else ""),
        "none": "Nothing may be read now: the checks say why."
        + (f" Windows are over{date}." if date else ""),
    }[may_read]


def shown_interval(row: Row) -> tuple[float | None, float | None]:
    """Return the interval that may be read; that of a single look where none may."""
    if row["may_read"] == "always_valid":
        return row["always_low"], row["always_high"]
    return row["difference_low"], row["difference_high"]


def _change(row: Row, value: float) -> str:
    return f"{100 * value:+.2f} points" if row["metric"] == "rate" else f"{value:+,.4g}"
