"""Pairs of models that are not decided yet, and how much more data each pair needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.reporting.display_names import BASELINE_NAMES, start_sentence
from lydite.reporting.formats import (
    NOTHING,
    approximate,
    enumerate_names,
    interval,
    percent_by_error,
    plain,
)
from lydite.reporting.model_groups import MOST_NAMED, group_name
from lydite.reporting.queries import (
    LEADING,
    group_by_forecast,
    is_primary,
    rivals_of,
    rows_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

#: The text of the tables for a pair that no realistic amount of data decides.
NEVER = "not at any realistic size"
_NEVER_IN_WORDS = "with any realistic amount of data"
# The kinds of the two models of a pair, most important first.
_IMPORTANCE = (
    ("leading", "leading"), ("early", "leading"), ("early", "null"), ("early", "early"),
)  # fmt: skip


@dataclass(frozen=True)
class OpenPair:
    """Two models of which neither is surely better yet.

    Attributes
    ----------
    row
        The row of ``pairs``.
    importance
        0 for two leaders, 1 for a leader and a model that it is too early to judge, 2 for the
        latter and the null hypothesis, 3 for two of the latter.
    of_primary
        Whether both are primary models, or one of them and the null hypothesis.
    ahead, behind
        Names for sentences; rivals with the same forecast have one name.
    """

    row: Row
    importance: int
    of_primary: bool
    ahead: str
    behind: str

    @property
    def data_needed(self) -> str:
        """How much more data decides the pair, in a few words; empty if not known."""
        projection, landmarks = self.row["projection"], self.row["more_landmarks"]
        if projection:
            return plain(projection)
        return "" if landmarks is None else f"{approximate(landmarks)} more landmarks"

    @property
    def users_needed(self) -> str:
        """How many more users that is, in words; empty if not known or never."""
        known = self.is_decidable and self.row["more_users"]
        return f"{approximate(self.row['more_users'])} more users" if known else ""

    @property
    def is_decidable(self) -> bool:
        """Whether a realistic amount of data decides the pair, at the present rate."""
        return self.data_needed not in {"", NEVER}


@dataclass(frozen=True)
class PairRow:
    """One open pair as text, for a table."""

    pair: str
    ahead: str
    lead: str
    bounds: str
    data_needed: str


def open_pairs(comparison: Comparison, outcome: str) -> list[OpenPair]:
    """Return the undecided pairs of models that still stand, most important first.

    Pairs of primary models come before the others; of the same importance, those that need the
    least data come first.
    """
    groups = group_by_forecast(rivals_of(comparison, outcome))
    kinds, names = dict.fromkeys(BASELINE_NAMES, "null"), dict(BASELINE_NAMES)
    primary = set(BASELINE_NAMES)
    for group in groups:
        members = [row["model"] for row in group]
        kinds |= {row["model"]: _kind(row) for row in group}
        names |= dict.fromkeys(members, group_name(group))
        primary |= set(members) if any(is_primary(row) for row in group) else set()
    found = []
    for row in rows_of(comparison, "pairs", outcome):
        ends = row["ahead"], row["behind"]
        first, second = sorted(kinds.get(end, "") for end in ends)
        if (first, second) in _IMPORTANCE and row["separated"] is False:
            importance = _IMPORTANCE.index((first, second))
            ahead, behind = (names[end] for end in ends)
            found.append(OpenPair(row, importance, primary.issuperset(ends), ahead, behind))
    return sorted(found, key=_order)


def _kind(row: Row) -> str:
    if row["verdict"] in LEADING:
        return "leading"
    return "early" if row["verdict"] == "too_early" else ""


def _order(pair: OpenPair) -> tuple[bool, int, bool, float]:
    return (
        not pair.of_primary,
        pair.importance,
        not pair.is_decidable,
        pair.row["more_landmarks"] or 0,
    )


def pair_rows(comparison: Comparison, outcome: str, most: int) -> tuple[list[PairRow], int]:
    """Return the first `most` open pairs as text, and the number of the others."""
    pairs = open_pairs(comparison, outcome)
    return [_pair_row(pair) for pair in pairs[:most]], max(len(pairs) - most, 0)


def _pair_row(pair: OpenPair) -> PairRow:
    low, high = pair.row["lead_low"], pair.row["lead_high"]
    return PairRow(
        pair=start_sentence(f"{pair.ahead} and {pair.behind}"),
        ahead=pair.ahead if pair.row["lead"] else "neither",
        lead=percent_by_error(pair.row["lead"], low, high),
        bounds=interval(low, high),
        data_needed=", or ".join(filter(None, [pair.data_needed, pair.users_needed])) or NOTHING,
    )


def data_needed(comparison: Comparison, outcome: str) -> str:
    """Return how much more data the next decision needs, in a sentence or two.

    Returns
    -------
    Empty if nothing important is open, or the tables have no pairs.
    """
    pairs = [pair for pair in open_pairs(comparison, outcome) if pair.data_needed]
    first_kind = [(p.of_primary, p.importance) for p in pairs[:1]]
    important = [
        p
        for p in pairs
        if (p.of_primary, p.importance) in first_kind and p.importance < len(_IMPORTANCE) - 1
    ]
    if not important:
        return ""
    first, others = important[0], len(important) - 1
    if not first.is_decidable:
        return _never_decided(important)
    needed = f"Data needed to decide between {first.ahead} and {first.behind}: {_about(first)}."
    if not others:
        return needed
    more = "Another undecided pair needs" if others == 1 else f"{others} other undecided pairs need"
    return f"{needed} {more} at least as much."


def _about(pair: OpenPair) -> str:
    users = f", or {pair.users_needed}" if pair.users_needed else ""
    rate = ", at the present rate" if pair.row["more_periods"] else ""
    return f"about {pair.data_needed}{users}{rate}"


def _never_decided(pairs: Sequence[OpenPair]) -> str:
    if len(pairs) == 1:
        both = f"{pairs[0].ahead} and {pairs[0].behind}"
        return start_sentence(both) + f" cannot be separated {_NEVER_IN_WORDS}."
    if pairs[0].importance == 0:
        return f"The leading models cannot be separated {_NEVER_IN_WORDS}."
    # All pairs have one model in common: the leader, or activity alone.
    common = {pairs[0].ahead, pairs[0].behind} & {pairs[1].ahead, pairs[1].behind}
    others = [end for pair in pairs for end in (pair.ahead, pair.behind) if end not in common]
    who = enumerate_names(others) if len(others) <= MOST_NAMED else f"{len(others)} models"
    return (
        start_sentence(who)
        + f" cannot be separated from {enumerate_names(sorted(common))} {_NEVER_IN_WORDS}."
    )
