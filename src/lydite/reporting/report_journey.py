"""The customer journey of one outcome, for the report: transitions, paths, days, assists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from lydite.errors import InputError
from lydite.models.transition_graph import transition_graph
from lydite.reporting.display_names import channel_label
from lydite.reporting.formats import NOTHING, count, fixed, percent
from lydite.reporting.queries import rows_of
from lydite.reporting.transition_diagram import transition_svg

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.results import Comparison

_MOST_PATHS, _MOST_CHANNELS = 10, 25
#: The last number of touches, and of days, in each row; the last row has all larger ones.
_LENGTHS = (0, 1, 2, 3, 4, 5, 10)
_DAYS = (0, 1, 3, 7, 14, 30)


@dataclass(frozen=True)
class PathRow:
    """One of the most frequent paths, as text."""

    path: str
    journeys: str
    conversions: str
    rate: str


@dataclass(frozen=True)
class ShareRow:
    """One row of a distribution: shares from 0 to 1 with their texts."""

    label: str
    shares: Sequence[tuple[float, str]]


@dataclass(frozen=True)
class RoleRow:
    """How often a channel is on the path of a conversion and in which place, as text.

    `per_last` is the number of assists per path that ends with the channel.
    """

    channel: str
    on_path: str
    first: str
    assisted: str
    last: str
    alone: str
    per_last: str


@dataclass(frozen=True)
class Journey:
    """The paths of one outcome; parts without rows are empty.

    Attributes
    ----------
    transitions
        Diagram of which channel follows which.
    paths
        The most frequent paths.
    lengths
        Share of conversions by number of touches on their path.
    days
        Share of conversions by days since the first, and since the last, touch on their path.
    roles
        The channels, the one on most paths first.
    about
        The most important figures in a few words.
    """

    transitions: Markup
    paths: Sequence[PathRow]
    lengths: Sequence[ShareRow]
    days: Sequence[ShareRow]
    roles: Sequence[RoleRow]
    about: str

    @property
    def is_any(self) -> bool:
        """Whether there is anything to show."""
        return bool(self.transitions or self.paths or self.lengths or self.days or self.roles)


def make_journey(comparison: Comparison, outcome: str, identifier: str) -> Journey:
    """Return what the report says about the paths of one outcome.

    Parameters
    ----------
    identifier
        Starts the ids in the diagram; unique in the document.
    """
    paths = _paths(comparison, outcome)
    lengths = _counts(comparison, outcome, "path_lengths", "path_length", "conversions")
    first = _counts(comparison, outcome, "time_lags", "days", "conversions")
    last = _counts(comparison, outcome, "time_lags", "days", "conversions_since_last")
    return Journey(
        transitions=_transitions(comparison, outcome, identifier),
        paths=paths,
        lengths=_distribution(_LENGTHS, "touch", lengths),
        days=_distribution(_DAYS, "day", first, last),
        roles=_roles(comparison, outcome),
        about=_about(lengths, first, paths),
    )


def _transitions(comparison: Comparison, outcome: str, identifier: str) -> Markup:
    """Return the diagram of the transitions between channels, empty where there is none."""
    mart = comparison.marts.get("channel_transitions")
    names = comparison.report_settings.channel_names
    if mart is None:
        return Markup()
    try:
        graph = transition_graph(mart.filter(outcome=outcome))
    except InputError:  # a channel has the name of an end of paths
        return Markup()
    return Markup(transition_svg(graph, identifier, names))  # noqa: S704 - names are escaped there


def _paths(comparison: Comparison, outcome: str) -> list[PathRow]:
    rows = rows_of(comparison, "paths", outcome)
    names = comparison.report_settings.channel_names
    return [
        PathRow(
            " → ".join(channel_label(step, names) for step in row["path"].split(" > ")),
            count(row["journeys"]),
            count(row["conversions"]),
            percent(row["conversion_rate"], 1),
        )
        for row in sorted(rows, key=lambda row: row["rank"])[:_MOST_PATHS]
    ]


def _roles(comparison: Comparison, outcome: str) -> list[RoleRow]:
    rows = rows_of(comparison, "channel_roles", outcome)
    names = comparison.report_settings.channel_names
    ordered = sorted(rows, key=lambda row: (-row["on_path"], row["channel"]))
    return [
        RoleRow(
            channel=channel_label(row["channel"], names),
            on_path=count(row["on_path"]),
            first=count(row["first"]),
            assisted=count(row["assisted"]),
            last=count(row["last"]),
            alone=count(row["alone"]),
            per_last=fixed(row["assisted"] / row["last"], 1) if row["last"] else NOTHING,
        )
        for row in ordered[:_MOST_CHANNELS]
    ]


# --- distributions --------------------------------------------------------------------------------


def _counts(
    comparison: Comparison, outcome: str, mart: str, by: str, number: str
) -> dict[int, float]:
    """Return a number by a whole number, in order."""
    rows = rows_of(comparison, mart, outcome)
    return {row[by]: float(row[number] or 0) for row in sorted(rows, key=lambda row: row[by])}


def _distribution(ends: Sequence[int], unit: str, *counts: Mapping[int, float]) -> list[ShareRow]:
    """Return the shares of ranges of numbers, the last ones left out where they are empty."""
    totals = [sum(column.values()) for column in counts]
    if not all(totals):
        return []
    rows = []
    for place, label in enumerate(_labels(ends, unit)):
        low = ends[place - 1] + 1 if place else 0
        high = ends[place] if place < len(ends) else None
        shares = [
            sum(n for key, n in column.items() if low <= key and (high is None or key <= high))
            / total
            for column, total in zip(counts, totals, strict=True)
        ]
        rows.append(ShareRow(label, [(share, _share(share)) for share in shares]))
    while rows and not any(share for share, _ in rows[-1].shares):
        rows.pop()
    return rows


def _share(share: float) -> str:
    return "under 1%" if 0 < share < 0.005 else percent(share)


def _labels(ends: Sequence[int], unit: str) -> list[str]:
    """Return the names of the ranges, such as ``4 to 7 days`` and ``over 30 days``."""
    units = f"{unit}es" if unit.endswith("ch") else f"{unit}s"
    zero = f"no {unit}" if unit == "touch" else f"the same {unit}"
    labels = []
    for low, high in zip([0, *(end + 1 for end in ends[:-1])], ends, strict=True):
        one = zero if high == 0 else f"{high} {unit if high == 1 else units}"
        labels.append(one if low == high else f"{low} to {high} {units}")
    return [*labels, f"over {ends[-1]} {units}"]


def _about(
    lengths: Mapping[int, float], days: Mapping[int, float], paths: Sequence[PathRow]
) -> str:
    said = []
    total = sum(lengths.values())
    if total:
        several = sum(n for touches, n in lengths.items() if touches > 1) / total
        said.append(f"{percent(several)} after 2 touches or more")
    if sum(days.values()):
        median = _median(days)
        said.append(
            "half within a day of the first touch"
            if median == 0
            else f"half within {count(median + 1)} days of the first touch"
        )
    if said:
        return "; ".join(said)
    return f"most often {paths[0].path}" if paths else "which channel follows which"


def _median(counts: Mapping[int, float]) -> int:
    """Return the lowest number up to which at least half are counted."""
    half, so_far = sum(counts.values()) / 2, 0.0
    for number in sorted(counts):
        so_far += counts[number]
        if so_far >= half:
            return number
    return 0
