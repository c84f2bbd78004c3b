"""The state of the data, for the report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.reporting.display_names import channel_label
from lydite.reporting.formats import amount, count
from lydite.reporting.queries import quarantined_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.results import Comparison

_MISMATCHES = {
    "spend_without_touches": "spend, but no touch",
    "touches_without_spend": "touches, but no spend",
    "outside_period": "spend before the first or after the last touch",
    "matched_by_spelling": "the name differs by case or blanks; it was matched",
}


@dataclass(frozen=True)
class ReportQuality:
    """Number of rows by table and reason, rows that were set aside, spend that does not match.

    `about` sums it up in a few words.
    """

    about: str
    tables: dict[str, dict[str, int]]
    quarantined: Sequence[tuple[str, str, int]]
    mismatches: Sequence[tuple[str, str, str]]


def report_quality(comparison: Comparison) -> ReportQuality:
    """Return how many rows of each table were used, and what does not fit."""
    frame = comparison.marts.get("data_quality")
    columns = ("table_name", "reason", "rows")
    tables: dict[str, dict[str, int]] = {}
    if frame is not None and set(columns) <= set(frame.columns):
        for table, reason, n in frame.select(columns).rows():
            tables.setdefault(table, {})[reason] = n
    set_aside = quarantined_rows(comparison)
    rows = sum(n for *_, n in set_aside)
    about = f"{count(rows)} rows set aside" if rows else "all rows were usable"
    return ReportQuality(about, tables, set_aside, _mismatches(comparison))


def _mismatches(comparison: Comparison) -> list[tuple[str, str, str]]:
    """Return channel, problem and spend of what does not match, the largest spend first."""
    frame = comparison.marts.get("spend_match")
    if frame is None or not any(row["spend"] for row in frame.to_dicts()):
        return []  # touches without spend are no news where there is no spend at all
    sums: dict[tuple[str, str], float] = {}
    for row in frame.to_dicts():
        if row["status"] in _MISMATCHES:
            key = (row["channel"], row["status"])
            sums[key] = sums.get(key, 0.0) + (row["spend"] or 0.0)
    ordered = sorted(sums.items(), key=lambda item: (-item[1], item[0]))
    names = comparison.report_settings.channel_names
    return [
        (channel_label(channel, names), _MISMATCHES[status], amount(spend) if spend else "")
        for (channel, status), spend in ordered
    ]
