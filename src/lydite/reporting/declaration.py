"""The declaration of a proposed experiment, for the settings."""

from __future__ import annotations

import json
import random
import re
from datetime import timedelta
from math import gcd
from typing import TYPE_CHECKING

import polars as pl

from lydite.errors import InputError
from lydite.journeys.clusters import DEFAULT_COLUMN
from lydite.reporting.display_names import channel_label, conversions_of
from lydite.reporting.next_experiments import cluster_words, describe_design, is_endless
from lydite.reporting.queries import outcome_counts, rows_of

if TYPE_CHECKING:
    from datetime import date

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

_REGION = "region = "
_UNKNOWN = "region = (unknown)"


def declare_experiment(comparison: Comparison, outcome: str, channel: str) -> str:
    """Return the section of ``lydite.toml`` that declares the proposed experiment of a channel.

    It begins on the Monday after the end of the data. Regions are matched by their conversions, and
    one of each pair is drawn for treatment; the same proposal always draws the same ones.

    Parameters
    ----------
    comparison
        What was published.
    outcome, channel
        Their names.

    Raises
    ------
    InputError
        When no experiment of the channel is proposed, or none that ends.
    """
    rows = {row["channel"]: row for row in rows_of(comparison, "next_experiments", outcome)}
    spelled = {name.strip().lower(): row for name, row in rows.items()}
    row = rows.get(channel) or spelled.get(channel.strip().lower())
    if row is None:
        there_are = f"there are: {', '.join(rows)}" if rows else "there are none"
        raise InputError(f"no experiment of {channel!r} is proposed for {outcome}; {there_are}")
    channel = row["channel"]
    if is_endless(row):
        raise InputError(f"no experiment of {channel!r} can be declared: {describe_design(row)}")
    counts = outcome_counts(comparison, outcome)
    as_of, lookback = counts["as_of"], counts["lookback"]
    if as_of is None or lookback is None:
        raise InputError("an experiment needs times; a path table has none")
    last = as_of.date()
    start = last + timedelta(days=7 - last.weekday())
    name = re.sub(r"[^a-z0-9]+", "_", f"{channel.lower()} holdout {start:%Y %m}").strip("_")
    label = channel_label(channel, comparison.report_settings.channel_names)
    lines = [
        f"# {describe_design(row)}",
        *_notes(row),
        f"[experiments.{name}]",
        f"channel = {_text(channel)}",
        *(_regions(comparison, outcome, start) if row["unit"] == "region" else _arms(row)),
        "hypothesis = "
        + _text(f"{label} brings {conversions_of(outcome)} that would not come without it."),
        f"outcome = {_text(outcome)}",
        f"smallest_effect = {row['smallest_effect']:.4f}",
        *_times(row, start, lookback),
    ]
    return "\n".join(lines)


def _text(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _notes(row: Row) -> list[str]:
    """Return what the declaration cannot say."""
    if row["unit"] != "cluster":
        return []
    column = row["cluster_column"]
    notes = [
        f"# All users of {cluster_words(column)[1]} get the arm that is drawn for it, on one day:",
        "# the table experiments has a row for each of them.",
    ]
    if column.lower() == DEFAULT_COLUMN:
        return notes
    return [*notes, f"# In the section [evaluation], set cluster = {_text(column)}."]


def _arms(row: Row) -> list[str]:
    control = round(100 * row["holdout_share"])
    common = gcd(control, 100)
    return [f"arms = {{control = {control // common}, treated = {(100 - control) // common}}}"]


def _times(row: Row, start: date, lookback: str) -> list[str]:
    """Return when users are assigned, and how long their conversions count.

    Clusters are assigned within a week, and followed to the end. Users are assigned when they come,
    and each is followed for the lookback of the outcome.
    """
    weeks = timedelta(weeks=row["weeks"])
    if row["unit"] == "region":
        return [*_from_to(start, start + weeks)]
    if row["unit"] == "cluster":
        planned = round(row["clusters"] * row["cluster_size"])
        end, window = start + timedelta(weeks=1), f"{weeks.days}d"
    else:
        planned, end, window = row["users"], start + weeks, lookback
    return [f"planned_users = {planned}", f'window = "{window}"', *_from_to(start, end)]


def _from_to(start: date, end: date) -> list[str]:
    return [f'start = "{start}"', f'end = "{end}"']


def _regions(comparison: Comparison, outcome: str, start: date) -> list[str]:
    """Return the regions of each arm, drawn from pairs with about as many conversions."""
    credit = comparison.marts["segment_credit"].filter(
        pl.col("outcome") == outcome,
        pl.col("segment").str.starts_with(_REGION),
        pl.col("segment") != _UNKNOWN,
    )
    sums = credit.group_by("segment").agg(pl.col("conversions").sum().round(6))
    by_size = sums.sort(["conversions", "segment"], descending=[True, False])["segment"]
    regions = [segment.removeprefix(_REGION) for segment in by_size]
    draw = random.Random(f"{outcome} {start} {regions}")  # noqa: S311 - no secret
    even = len(regions) // 2 * 2
    pairs = [draw.sample(regions[i : i + 2], 2) for i in range(0, even, 2)]
    control, treated = (_text([pair[arm] for pair in pairs]) for arm in (0, 1))
    return [
        'unit = "region"',
        f"arms = {{control = {control}, treated = {treated}}}",
        f"pairs = {_text(pairs)}",
    ]
