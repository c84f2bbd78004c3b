"""Reading: what every face needs from a comparison, empty where the comparison has nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.errors import InputError
from lydite.evaluation.segments import ALL

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from lydite.results import Comparison

    Row = Mapping[str, Any]

UNATTRIBUTED = "(unattributed)"
_BOUNDED = ("conversions", "value", "share", "cpa", "roas")
#: The verdicts of rivals that are surely ahead of touch volume and not refuted.
LEADING = ("best", "contender")
_SURVIVING = (*LEADING, "too_early")
# Of these the verdict in words tells itself.
_TOLD_IN_WORDS = ("drift", "volume")


class _Row(dict[str, Any]):
    """A row in which a column that the table lacks reads as nothing."""

    def __missing__(self, name: str) -> None:
        return None


def outcome_record(comparison: Comparison, outcome: str) -> Row:
    """Return the record of one outcome.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    for record in comparison.outcomes:
        if record["outcome"] == outcome:
            return dict(record)
    names = ", ".join(repr(str(record["outcome"])) for record in comparison.outcomes) or "none"
    raise InputError(f"no outcome {outcome!r} in this comparison; it has: {names}")


def from_path_table(record: Row) -> bool:
    """Return whether an outcome was compared on a path table: by folds, without a clock."""
    return record["lookback"] is None


def rows_of(
    comparison: Comparison, mart: str, outcome: str, segment: str = ALL
) -> list[dict[str, Any]]:
    """Return the rows of one outcome in a mart; none where the mart is missing or empty.

    Of a mart that has segments, those of one. A column that a mart lacks reads as None.
    """
    frame = comparison.marts.get(mart)
    if frame is None or "outcome" not in frame.columns:
        return []
    own = pl.col("outcome") == outcome
    if "segment" in frame.columns:
        own &= pl.col("segment") == segment
    return [_Row(row) for row in frame.filter(own).to_dicts()]


def segments_of(comparison: Comparison, outcome: str) -> list[str]:
    """Return the segments that were compared beside all users."""
    frame = comparison.marts.get("model_comparison")
    if frame is None or not {"outcome", "segment"} <= set(frame.columns):
        return []
    own = frame.filter((pl.col("outcome") == outcome) & (pl.col("segment") != ALL))
    names: list[str] = own["segment"].unique(maintain_order=True).to_list()
    return names


def rivals_of(comparison: Comparison, outcome: str, segment: str = ALL) -> list[dict[str, Any]]:
    """Return the rows of the rivals, best first."""
    rows = _models_of(comparison, outcome, segment)
    rows = [row for row in rows if row["verdict"]]
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"] or 0, row["model"]))


def references_of(comparison: Comparison, outcome: str) -> list[dict[str, Any]]:
    """Return the rows of the baselines and the ceiling, the highest loss first."""
    rows = [row for row in _models_of(comparison, outcome, ALL) if not row["verdict"]]
    return sorted(rows, key=lambda row: -(row["log_loss_bits"] or 0))


def _models_of(comparison: Comparison, outcome: str, segment: str) -> list[dict[str, Any]]:
    rows = rows_of(comparison, "model_comparison", outcome, segment)
    return [row for row in rows if row["model"]]


def leaders(rivals: Iterable[Row]) -> list[Row]:
    """Return the rivals that are surely ahead of touch volume and not refuted."""
    return [row for row in rivals if row["verdict"] in LEADING]


def with_verdict(rivals: Iterable[Row], verdict: str) -> list[Row]:
    """Return the rivals with this verdict."""
    return [row for row in rivals if row["verdict"] == verdict]


def shown_first(rivals: Iterable[Row], most: int) -> list[str]:
    """Return the models that a small chart is about: leaders, else survivors, else the first.

    Rivals with the same forecast count once.
    """
    rows = list(rivals)
    chosen = leaders(rows) or [r for r in rows if r["verdict"] in _SURVIVING] or rows
    return [group[0]["model"] for group in alike_groups(chosen)][:most]


def alike(row: Row) -> list[str]:
    """Return the rivals with the very same forecast as this one."""
    return [name for name in (row["same_forecast_as"] or "").split(", ") if name]


def alike_groups(rows: Iterable[Row]) -> list[list[Row]]:
    """Put rivals with the same forecast together, in the order in which they come."""
    groups: list[list[Row]] = []
    for row in rows:
        same = set(alike(row))
        for group in groups:
            if group[0]["model"] in same:
                group.append(row)
                break
        else:
            groups.append([row])
    return groups


def credit_of(comparison: Comparison, outcome: str, model: str) -> list[dict[str, Any]]:
    """Return one model's credit by channel, the largest first, the unattributed last.

    Every row has the bounds of its intervals, None where they are not known.
    """
    rows = [
        _Row(row | _bounds(row))
        for row in rows_of(comparison, "channel_credit", outcome)
        if row["model"] == model
    ]
    return sorted(
        rows,
        key=lambda row: (row["channel"] == UNATTRIBUTED, -(row["conversions"] or 0)),
    )


def _bounds(row: Row) -> dict[str, float | None]:
    ends = [f"{name}{end}" for name in _BOUNDED for end in ("_low", "_high")]
    return {name: row.get(name) for name in ends}


def warnings_of(comparison: Comparison, outcome: str) -> list[str]:
    """Return what to beware of beyond what the verdict in words says.

    Models that were left out, the table ``warnings``, and where only a sample was compared.
    """
    found = [f"{name} was left out: {why}" for name, why in comparison.left_out.items()]
    found += [
        f"{row['model']}: {row['text']}" if row["kind"] == "model" else str(row["text"])
        for row in rows_of(comparison, "warnings", outcome)
        if row["text"] and row["kind"] not in _TOLD_IN_WORDS
    ]
    record = outcome_record(comparison, outcome)
    sampled, landmarks = record.get("sampled_landmarks"), record.get("landmarks")
    if sampled and landmarks and sampled < landmarks:
        found.append(
            f"models were compared on a sample of {sampled:,} of {landmarks:,} landmarks, taken"
            " as whole groups of users; credit uses all conversions"
        )
    return found


def conversion_dates(comparison: Comparison) -> tuple[date, date] | None:
    """Return the days of the first and the last conversion; None where there is none."""
    frame = comparison.marts.get("credit_daily")
    if frame is None or "date" not in frame.columns:
        return None
    days: list[date] = frame["date"].drop_nulls().to_list()
    return (min(days), max(days)) if days else None


def set_aside(comparison: Comparison) -> list[tuple[str, str, int]]:
    """Return table, reason and number of the rows that were set aside, the most first."""
    rows = [
        (table, reason, n)
        for table, reasons in comparison.quarantined.items()
        for reason, n in reasons.items()
        if n
    ]
    return sorted(rows, key=lambda row: (row[0], -row[2], row[1]))
