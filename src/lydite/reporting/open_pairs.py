"""Settling: which pairs of models are still open, and what would settle them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lydite.reporting.display_names import MOST_NAMED
from lydite.reporting.formats import NOTHING, about, interval, listed, percent_by_error, plain
from lydite.reporting.queries import LEADING, alike, rivals_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.results import Comparison

    Row = Mapping[str, Any]

NULL = "touch_volume"
NEVER = "not at any realistic size"
# What a pair is about, by how much it matters: the kinds of its two models.
_MATTERS = (
    ("leading", "leading"), ("early", "leading"), ("early", "null"), ("early", "early"),
)  # fmt: skip


@dataclass(frozen=True)
class OpenPair:
    """Two models that are not told apart yet.

    Attributes
    ----------
    row
        The row of ``pairs``.
    matters
        0 for two that lead, 1 for one that leads and one of which it is too early to say, 2 for
        the latter and touch volume, 3 for two of the latter.
    ahead, behind
        Names as people read them; rivals with the same forecast are one.
    """

    row: Row
    matters: int
    ahead: str
    behind: str

    @property
    def takes(self) -> str:
        """What would settle it, in a few words; empty where it is not known."""
        told, landmarks = self.row["projection"], self.row["more_landmarks"]
        if told:
            return plain(told)
        return "" if landmarks is None else f"{about(landmarks)} more landmarks"

    @property
    def users(self) -> str:
        """How many more users that is, in words; empty where it is not known or never."""
        known = self.is_within_reach and self.row["more_users"]
        return f"{about(self.row['more_users'])} more users" if known else ""

    @property
    def is_within_reach(self) -> bool:
        """Whether a realistic amount of data would settle it, at the present rate."""
        return self.takes not in {"", NEVER}


@dataclass(frozen=True)
class PairLine:
    """One open pair as text."""

    pair: str
    ahead: str
    lead: str
    bounds: str
    takes: str


def open_pairs(comparison: Comparison, outcome: str) -> list[OpenPair]:
    """Return the pairs of models that are left and not told apart, the most important first.

    Of the same importance, those come first that are settled soonest.
    """
    rivals = rivals_of(comparison, outcome)
    kinds = {NULL: "null"} | {row["model"]: _kind(row) for row in rivals}
    called = {NULL: "touch volume"} | {row["model"]: _called(row) for row in rivals}
    found = []
    for row in rows_of(comparison, "pairs", outcome):
        both = sorted(kinds.get(row[end], "") for end in ("ahead", "behind"))
        if tuple(both) in _MATTERS and row["separated"] is False:
            matters = _MATTERS.index((both[0], both[1]))
            found.append(OpenPair(row, matters, called[row["ahead"]], called[row["behind"]]))
    return sorted(found, key=_order)


def _kind(row: Row) -> str:
    if row["verdict"] in LEADING:
        return "leading"
    return "early" if row["verdict"] == "too_early" else ""


def _called(row: Row) -> str:
    return "/".join(plain(name) for name in (row["model"], *alike(row)))


def _order(pair: OpenPair) -> tuple[int, bool, float]:
    return pair.matters, not pair.is_within_reach, pair.row["more_landmarks"] or 0


def pair_lines(comparison: Comparison, outcome: str, most: int) -> tuple[list[PairLine], int]:
    """Return the open pairs as text, and how many are left out."""
    pairs = open_pairs(comparison, outcome)
    return [_line(pair) for pair in pairs[:most]], max(len(pairs) - most, 0)


def _line(pair: OpenPair) -> PairLine:
    low, high = pair.row["lead_low"], pair.row["lead_high"]
    return PairLine(
        pair=f"{pair.ahead} and {pair.behind}",
        ahead=pair.ahead if pair.row["lead"] else "neither",
        lead=percent_by_error(pair.row["lead"], low, high),
        bounds=interval(low, high),
        takes=", or ".join(filter(None, [pair.takes, pair.users])) or NOTHING,
    )


def settling_in_words(comparison: Comparison, outcome: str) -> str:
    """Return what would settle what is still open, of the most important pairs.

    Returns
    -------
    One sentence; empty where nothing is open, or no pairs are known.
    """
    pairs = [pair for pair in open_pairs(comparison, outcome) if pair.takes]
    weighty = [pair for pair in pairs if pair.matters == pairs[0].matters < len(_MATTERS) - 1]
    if not weighty:
        return ""
    first, others = weighty[0], len(weighty) - 1
    if not first.is_within_reach:
        return _never(weighty)
    if not others:
        return f"To tell {first.ahead} from {first.behind} takes {_about(first)}."
    longer = "another pair takes" if others == 1 else f"{others} other pairs take"
    return (
        f"The next to be told apart are {first.ahead} and {first.behind}: it takes"
        f" {_about(first)}; {longer} longer."
    )


def _about(pair: OpenPair) -> str:
    users = f", or {pair.users}" if pair.users else ""
    rate = ", at the present rate" if pair.row["more_periods"] else ""
    return f"about {pair.takes}{users}{rate}"


def _never(pairs: Sequence[OpenPair]) -> str:
    if len(pairs) == 1:
        return f"{pairs[0].ahead} and {pairs[0].behind} cannot be told apart at any realistic size."
    if pairs[0].matters == 0:
        return "The models that remain cannot be told apart at any realistic size."
    # All pairs have one model in common: the one that leads, or touch volume.
    common = {pairs[0].ahead, pairs[0].behind} & {pairs[1].ahead, pairs[1].behind}
    others = [end for pair in pairs for end in (pair.ahead, pair.behind) if end not in common]
    who = listed(others) if len(others) <= MOST_NAMED else f"{len(others)} models"
    return f"{who} cannot be told from {listed(sorted(common))} at any realistic size."
