"""Queries on a comparison. Missing tables, rows and columns give empty results, not errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.errors import InputError
from lydite.evaluation.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from lydite.records import OutcomeCounts
    from lydite.results import Comparison, Credit

    #: A row of a result table: the columns differ by table, and a missing one reads as None.
    Row = Mapping[str, Any]

UNATTRIBUTED = "(unattributed)"
_BOUNDED = ("conversions", "value", "share", "cpa", "roas")
#: The baseline that knows how active a user is, and nothing about channels.
NULL_MODEL = "touch_volume"
#: The verdicts of rivals that are surely better than the null model and not refuted.
LEADING = ("best", "contender")
#: The verdicts of rivals that are not ruled out.
STANDING = (*LEADING, "too_early")
# Warnings whose content is part of the verdict in words.
_IN_VERDICT = ("drift", "volume", "no_verdict")


class _Row(dict[str, Any]):
    """A row in which a missing column reads as None."""

    def __missing__(self, name: str) -> None:
        return None


def outcome_counts(comparison: Comparison, outcome: str) -> OutcomeCounts:
    """Return what was counted for one outcome.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    for counts in comparison.outcomes:
        if counts["outcome"] == outcome:
            return counts
    names = ", ".join(repr(str(counts["outcome"])) for counts in comparison.outcomes) or "none"
    raise InputError(f"no outcome {outcome!r} in this comparison; it has: {names}")


def is_path_table(counts: OutcomeCounts) -> bool:
    """Return whether an outcome was compared on a path table: in folds, without times."""
    return counts["lookback"] is None


def rows_of(comparison: Comparison, mart: str, outcome: str, segment: str = ALL) -> list[Row]:
    """Return the rows of one outcome in a mart; of one segment, if the mart has segments."""
    frame = comparison.marts.get(mart)
    if frame is None or "outcome" not in frame.columns:
        return []
    own = pl.col("outcome") == outcome
    if "segment" in frame.columns:
        own &= pl.col("segment") == segment
    return [_Row(row) for row in frame.filter(own).to_dicts()]


def segments_of(comparison: Comparison, outcome: str) -> list[str]:
    """Return the segments that were compared, in the order of the table."""
    frame = comparison.marts.get("model_comparison")
    if frame is None or not {"outcome", "segment"} <= set(frame.columns):
        return []
    own = frame.filter((pl.col("outcome") == outcome) & (pl.col("segment") != ALL))
    names: list[str] = own["segment"].unique(maintain_order=True).to_list()
    return names


def rivals_of(comparison: Comparison, outcome: str, segment: str = ALL) -> list[Row]:
    """Return the rows of the rivals, best first."""
    rows = _models_of(comparison, outcome, segment)
    rows = [row for row in rows if row["verdict"]]
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"] or 0, row["model"]))


def references_of(comparison: Comparison, outcome: str) -> list[Row]:
    """Return the rows of the baselines and the ceiling, the highest loss first."""
    rows = [row for row in _models_of(comparison, outcome, ALL) if not row["verdict"]]
    return sorted(rows, key=lambda row: -(row["log_loss_bits"] or 0))


def _models_of(comparison: Comparison, outcome: str, segment: str) -> list[Row]:
    rows = rows_of(comparison, "model_comparison", outcome, segment)
    return [row for row in rows if row["model"]]


def leaders(rivals: Iterable[Row]) -> list[Row]:
    """Return the rivals that are surely better than activity alone and not refuted."""
    return [row for row in rivals if row["verdict"] in LEADING]


def standing_models(rivals: Iterable[Row]) -> list[Row]:
    """Return the rivals that are not ruled out."""
    return [row for row in rivals if row["verdict"] in STANDING]


def with_verdict(rivals: Iterable[Row], verdict: str) -> list[Row]:
    """Return the rivals with this verdict."""
    return [row for row in rivals if row["verdict"] == verdict]


def main_models(rivals: Iterable[Row], most: int) -> list[str]:
    """Return the models for a small chart: leaders, else those that stand, else the first ones.

    Rivals with the same forecast count once.
    """
    rows = list(rivals)
    chosen = leaders(rows) or standing_models(rows) or rows
    return [group[0]["model"] for group in group_by_forecast(chosen)][:most]


def same_forecast(row: Row) -> list[str]:
    """Return the other rivals that make the same forecast as this one."""
    return [name for name in (row["same_forecast_as"] or "").split(", ") if name]


def group_by_forecast(rows: Iterable[Row]) -> list[list[Row]]:
    """Group rivals that make the same forecast, in order of first appearance."""
    groups: list[list[Row]] = []
    for row in rows:
        same = set(same_forecast(row))
        for group in groups:
            if group[0]["model"] in same:
                group.append(row)
                break
        else:
            groups.append([row])
    return groups


def credit_of(comparison: Comparison, outcome: str, model: str) -> list[Row]:
    """Return one model's credit by channel, largest first, with the unattributed row last.

    Bounds of intervals that the table lacks are None.
    """
    rows = [
        _Row({**row, **_bounds(row)})
        for row in rows_of(comparison, "channel_credit", outcome)
        if row["model"] == model
    ]
    return sorted(
        rows,
        key=lambda row: (row["channel"] == UNATTRIBUTED, -(row["conversions"] or 0)),
    )


def credited_models(comparison: Comparison, outcome: str) -> list[Row]:
    """Return a row for each model with credit for an outcome, in the order of the table."""
    rows = rows_of(comparison, "channel_credit", outcome)
    return [_Row(model=name) for name in dict.fromkeys(row["model"] for row in rows)]


def _bounds(row: Row) -> dict[str, float | None]:
    ends = [f"{name}{end}" for name in _BOUNDED for end in ("_low", "_high")]
    return {name: row.get(name) for name in ends}


def warnings_of(comparison: Comparison, outcome: str) -> list[str]:
    """Return the warnings that the verdict in words does not already contain.

    These are models that were left out, the table ``warnings``, and a note if only a sample was
    compared.
    """
    found = [f"{name} was left out: {why}" for name, why in comparison.left_out.items()]
    found += [
        f"{row['model']}: {row['text']}" if row["kind"] == "model" else str(row["text"])
        for row in rows_of(comparison, "warnings", outcome)
        if row["text"] and row["kind"] not in _IN_VERDICT
    ]
    counts = outcome_counts(comparison, outcome)
    sampled, landmarks = counts["sampled_landmarks"], counts["landmarks"]
    if 0 < sampled < landmarks:
        found.append(
            f"models were compared on a sample of {sampled:,} of {landmarks:,} landmarks, drawn"
            " as whole groups of users; credit uses all conversions"
        )
    return found


def conversion_dates(comparison: Comparison) -> tuple[date, date] | None:
    """Return the days of the first and the last conversion; None without conversions."""
    frame = comparison.marts.get("credit_daily")
    if frame is None or "date" not in frame.columns:
        return None
    days: list[date] = frame["date"].drop_nulls().to_list()
    return (min(days), max(days)) if days else None


def quarantined_rows(comparison: Comparison | Credit) -> list[tuple[str, str, int]]:
    """Return table, reason and number of the rows that were set aside, largest number first."""
    rows = [
        (table, reason, n)
        for table, reasons in comparison.quarantined.items()
        for reason, n in reasons.items()
        if n
    ]
    return sorted(rows, key=lambda row: (row[0], -row[2], row[1]))
