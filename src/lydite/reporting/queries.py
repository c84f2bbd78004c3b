"""Queries on a comparison. Missing tables, rows and columns give empty results, not errors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.errors import InputError
from lydite.evaluation.segments import ALL
from lydite.evaluation.verdicts import BASE_RATE, BASELINES, VOLUME
from lydite.reporting.display_names import model_label, write_names
from lydite.reporting.formats import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from lydite.records import OutcomeCounts
    from lydite.results import Comparison, Credit

    #: A row of a result table: the columns differ by table, and a missing one reads as None.
    Row = Mapping[str, Any]

UNATTRIBUTED = "(unattributed)"
_BOUNDED = ("conversions", "value", "share", "cpa", "roas")
#: The verdicts of rivals that are surely better than the null hypothesis and not refuted.
LEADING = ("best", "contender")
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


def main_first(comparison: Comparison) -> list[str]:
    """Return the outcomes: the main one, then those with value, then by number of conversions.

    Raises
    ------
    InputError
        When the comparison has no outcome of the name in the settings.
    """
    main = comparison.report_settings.main_outcome
    if main is not None:
        outcome_counts(comparison, main)
    valued = {
        row["outcome"]
        for counts in comparison.outcomes
        for row in rows_of(comparison, "channel_credit", counts["outcome"])
        if row["value"]
    }
    ordered = sorted(
        comparison.outcomes,
        key=lambda row: (row["outcome"] != main, row["outcome"] not in valued, -row["conversions"]),
    )
    return [row["outcome"] for row in ordered]


def cost_share(counts: OutcomeCounts) -> float | None:
    """Return the share of the costs that an outcome is charged with: 1 where it is not recorded."""
    return counts.get("cost_share", 1.0)


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


def scored_counts(comparison: Comparison, outcome: str) -> tuple[int, int] | None:
    """Return the landmarks and conversions that the verdicts use; None without verdicts."""
    rivals = rivals_of(comparison, outcome)
    if not rivals or not rivals[0]["landmarks"]:
        return None
    return rivals[0]["landmarks"], rivals[0]["conversions"] or 0


def has_segments(comparison: Comparison, outcome: str) -> bool:
    """Return whether users have segments, also where all of them are too small for verdicts."""
    kinds = {row["kind"] for row in rows_of(comparison, "warnings", outcome)}
    return "small_segments" in kinds or bool(segments_of(comparison, outcome))


def has_other_lookbacks(comparison: Comparison) -> bool:
    """Return whether several lookbacks were compared, which share alpha."""
    rows = comparison.marts.get("lookback_comparison")
    return rows is not None and not rows["is_main"].all()


def rivals_of(comparison: Comparison, outcome: str, segment: str = ALL) -> list[Row]:
    """Return the rows of the rivals, best first."""
    rows = _models_of(comparison, outcome, segment)
    rows = [row for row in rows if row["verdict"]]
    return sorted(rows, key=lambda row: (row["rank"] is None, row["rank"] or 0, row["model"]))


def references_of(comparison: Comparison, outcome: str, segment: str = ALL) -> list[Row]:
    """Return the rows of the baselines and the ceiling, the highest loss first."""
    rows = [row for row in _models_of(comparison, outcome, segment) if not row["verdict"]]
    return sorted(rows, key=lambda row: -(row["log_loss_bits"] or 0))


def _models_of(comparison: Comparison, outcome: str, segment: str) -> list[Row]:
    rows = rows_of(comparison, "model_comparison", outcome, segment)
    return [row for row in rows if row["model"]]


def null_model(comparison: Comparison, outcome: str, segment: str = ALL) -> str:
    """Return the name of the null hypothesis: the baseline that `explained` is relative to."""
    explained = {
        row["model"]: row["explained"]
        for row in references_of(comparison, outcome, segment)
        if row["model"] in BASELINES
    }
    worse_volume = (explained.get(VOLUME) or 0.0) < 0 and explained.get(BASE_RATE) == 0
    return BASE_RATE if worse_volume else VOLUME


@dataclass(frozen=True)
class Standing:
    """The rivals that are not refuted, by rank; those with the same forecast are one group.

    Within a group, primary models come first.

    Attributes
    ----------
    primary
        The groups that hold a primary model.
    secondary
        The other groups.
    best
        The only group to speak of first, if it is surely better than the null hypothesis and than
        every other primary model; None otherwise.
    """

    primary: Sequence[Sequence[Row]]
    secondary: Sequence[Sequence[Row]]
    best: Sequence[Row] | None

    @property
    def first(self) -> Sequence[Sequence[Row]]:
        """The groups to speak of first: the primary ones, or the others where none of them is."""
        return self.primary or self.secondary

    @property
    def is_best_of_all(self) -> bool:
        """Whether every model with another forecast than `best` is refuted."""
        return self.best is not None and len(self.primary) + len(self.secondary) == 1

    @property
    def ahead(self) -> Sequence[Sequence[Row]]:
        """The groups of `first` that are surely better than the null hypothesis."""
        return [group for group in self.first if is_ahead(group)]

    @property
    def rows(self) -> list[Row]:
        """All rivals that stand: the primary groups, then the others."""
        return [row for group in (*self.primary, *self.secondary) for row in group]


def standing_models(comparison: Comparison, outcome: str, segment: str = ALL) -> Standing:
    """Return the rivals that are not refuted among all users or in a segment."""
    rivals = rivals_of(comparison, outcome, segment)
    groups = [
        sorted(group, key=lambda row: not is_primary(row))
        for group in group_by_forecast(row for row in rivals if row["verdict"] != "refuted")
    ]
    primary = [group for group in groups if is_primary(group[0])]
    secondary = [group for group in groups if not is_primary(group[0])]
    first = primary or secondary
    best = first[0] if len(first) == 1 and is_ahead(first[0]) else None
    if best and len(groups) > 1:
        # A primary model that only a secondary one has refuted may be as good as the best one.
        behind = _behind(comparison, outcome, segment, {row["model"] for row in best})
        others = group_by_forecast(row for row in rivals if is_primary(row) and row not in best)
        if not all(behind & {row["model"] for row in group} for group in others):
            best = None
    return Standing(primary, secondary, best)


def _behind(comparison: Comparison, outcome: str, segment: str, names: set[str]) -> set[str]:
    """Return the models that are surely worse than models with one forecast."""
    pairs = rows_of(comparison, "pairs", outcome, segment)
    return {row["behind"] for row in pairs if row["separated"] and row["ahead"] in names}


def is_ahead(group: Sequence[Row]) -> bool:
    """Return whether models with one forecast are surely better than the null hypothesis."""
    return group[0]["verdict"] in LEADING


def is_primary(row: Row) -> bool:
    """Return whether a rival is a primary model; all are, where the table does not say so."""
    return row["primary"] is not False


def primary_models(rivals: Iterable[Row]) -> list[Row]:
    """Return the primary models."""
    return [row for row in rivals if is_primary(row)]


def with_verdict(rivals: Iterable[Row], verdict: str) -> list[Row]:
    """Return the rivals with this verdict."""
    return [row for row in rivals if row["verdict"] == verdict]


def main_models(comparison: Comparison, outcome: str, most: int) -> list[str]:
    """Return the models for a small chart: those that the headline speaks of.

    These are the primary models that stand, else the others that stand, else the first ones. Rivals
    with the same forecast count once.
    """
    groups = standing_models(comparison, outcome).first
    groups = groups or group_by_forecast(rivals_of(comparison, outcome))
    return [group[0]["model"] for group in groups][:most]


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


def credit_source(model: str, rows: Iterable[Row]) -> str:
    """Return what gave the credit in some rows of one model: the model, or its posterior."""
    is_posterior = any(row.get("credit") == "posterior" for row in rows)
    return f"the posterior of {model}" if is_posterior else model


def _bounds(row: Row) -> dict[str, float | None]:
    ends = [f"{name}{end}" for name in _BOUNDED for end in ("_low", "_high")]
    return {name: row.get(name) for name in ends}


def warnings_of(comparison: Comparison, outcome: str) -> list[str]:
    """Return the warnings that the verdict in words does not already contain.

    These are models that were left out, the table ``warnings``, and a note if only a sample was
    compared.
    """
    found = [
        f"{model_label(name)} was left out: {why}" for name, why in comparison.left_out.items()
    ]
    found += [
        f"{model_label(row['model'])}: {row['text']}"
        if row["kind"] == "model"
        else _warning_text(comparison, outcome, row)
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


def _warning_text(comparison: Comparison, outcome: str, row: Row) -> str:
    """Return a warning with names for readers, without the outcome in front."""
    text = str(row["text"]).removeprefix(f"{outcome}: ")
    if str(row["kind"]).startswith("spend_"):  # about how names are spelled
        return text
    credit = comparison.marts.get("channel_credit")
    channels = [] if credit is None else credit["channel"].unique().sort().to_list()
    return write_names(text, channels, comparison.report_settings.channel_names)


@dataclass(frozen=True)
class Run:
    """The run whose results these are."""

    id: str
    finished_at: datetime
    version: str


def run_of(comparison: Comparison) -> Run | None:
    """Return the last run of the table; None where runs are not recorded."""
    frame = comparison.marts.get("runs")
    if frame is None or frame.is_empty():
        return None
    row = frame.sort("finished_at").row(-1, named=True)
    return Run(plain(row["run_id"]), row["finished_at"], plain(row["lydite_version"]))


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
