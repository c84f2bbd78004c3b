"""What budgeting by another model changes, and what to test next."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.reporting.champion import champion_of
from lydite.reporting.channel_money import LAST_TOUCH, channel_money
from lydite.reporting.display_names import channel_label, channel_word, conversions_of
from lydite.reporting.formats import count, enumerate_names, money, percent
from lydite.reporting.next_experiments import (
    describe_design,
    describe_results,
    next_experiments_of,
)
from lydite.reporting.queries import (
    UNATTRIBUTED,
    credit_of,
    credited_models,
    rivals_of,
    standing_models,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.reporting.channel_money import ChannelMoney
    from lydite.reporting.queries import Row
    from lydite.results import Comparison

#: Channels that a sentence names on each side, and lines of what to test.
_MOST_NAMED, _MOST_TESTS = 2, 3
#: Weeks; a longer test is not proposed.
_A_YEAR = 52
#: A smaller number of conversions is no change.
_LEAST_MOVED = 0.5


@dataclass(frozen=True)
class Move:
    """How many conversions another model moves, from which channels to which.

    Attributes
    ----------
    conversions, value
        What moves in total; the value is None where the outcome has none.
    losing, gaining
        Texts on the channels that lose and gain most.
    standing
        The least and the most that any model that stands moves, with the same model in use; None
        if fewer than two models stand.
    """

    conversions: float
    value: float | None
    losing: str
    gaining: str
    standing: tuple[float, float] | None = None

    @property
    def is_any(self) -> bool:
        """Whether anything moves."""
        return self.conversions >= _LEAST_MOVED


def other_model(comparison: Comparison, outcome: str, model: str) -> str | None:
    """Return the model to compare with: the one in use, or the first other one; None without any.

    Where nothing was decided, last touch is in use.
    """
    champion = champion_of(comparison, outcome)
    in_use = LAST_TOUCH if champion is None else champion["model"]
    rivals = [row["model"] for row in rivals_of(comparison, outcome)]
    standing = [row["model"] for row in standing_models(comparison, outcome).rows]
    return next((name for name in [in_use, LAST_TOUCH, *standing, *rivals]
                 if name != model and name in rivals), None)  # fmt: skip


def move(comparison: Comparison, outcome: str, model: str, instead_of: str) -> Move:
    """Return what budgeting by a model instead of another moves."""
    standing = credited_standing(comparison, outcome)
    credit = {
        name: {
            row["channel"]: row
            for row in credit_of(comparison, outcome, name)
            if row["channel"] != UNATTRIBUTED
        }
        for name in {model, instead_of, *standing}
    }

    def changes_by(name: str) -> dict[str, float]:
        return {
            channel: (row["conversions"] or 0) - (credit[instead_of][channel]["conversions"] or 0)
            for channel, row in credit[name].items()
            if channel in credit[instead_of]
        }

    changes = changes_by(model)
    moved = [_gained(changes_by(name)) for name in standing]
    values = [
        row["value"] - credit[instead_of][channel]["value"]
        for channel, row in credit[model].items()
        if channel in credit[instead_of] and row["value"] is not None
    ]
    ordered = sorted(changes, key=lambda channel: (changes[channel], channel))
    losing = [channel for channel in ordered if changes[channel] <= -_LEAST_MOVED][:_MOST_NAMED]
    gaining = [c for c in reversed(ordered) if changes[c] >= _LEAST_MOVED][:_MOST_NAMED]
    # Many small changes may add up.
    losing = losing or [channel for channel in ordered[:1] if changes[channel] < 0]
    gaining = gaining or [channel for channel in ordered[-1:] if changes[channel] > 0]
    before, after = credit[instead_of], credit[model]
    names = comparison.report_settings.channel_names

    def from_to(channels: Sequence[str]) -> str:
        return enumerate_names(
            [
                f"{channel_word(c, names)} ({count(before[c]['conversions'])}"
                f" to {count(after[c]['conversions'])})"
                for c in channels
            ]
        )

    return Move(
        _gained(changes),
        sum(change for change in values if change > 0) if values else None,
        from_to(losing),
        from_to(gaining),
        (min(moved), max(moved)) if len(moved) > 1 else None,
    )


def _gained(changes: Mapping[str, float]) -> float:
    return sum(change for change in changes.values() if change > 0)


def credited_standing(comparison: Comparison, outcome: str) -> list[str]:
    """Return the models that stand and have credit, in the order of the verdict."""
    credited = {row["model"] for row in credited_models(comparison, outcome)}
    standing = (row["model"] for row in standing_models(comparison, outcome).rows)
    return [name for name in standing if name in credited]


@dataclass(frozen=True)
class NextTest:
    """A channel to test, its name within a sentence, why, and whether that says how too.

    `results` says what each result would change.
    """

    channel: str
    word: str
    why: str
    says_how: bool = False
    results: Sequence[str] = ()


def _proposed(comparison: Comparison, outcome: str) -> list[NextTest]:
    """Return the experiments that are worth more than they cost.

    Those that take longer than 12 weeks are left out, unless all do; those that take longer than a
    year always.
    """
    names = comparison.report_settings.channel_names
    rows = [row for row in next_experiments_of(comparison, outcome) if row["value"] > 0]
    feasible = [row for row in rows if row["is_feasible"]]
    long = [row for row in rows if row["weeks"] <= _A_YEAR]
    return [
        NextTest(
            channel_label(row["channel"], names),
            channel_word(row["channel"], names),
            _worth(comparison, row),
            says_how=True,
            results=describe_results(row, names),
        )
        for row in feasible or long
    ]


def _worth(comparison: Comparison, row: Row) -> str:
    worth = money(row["value"], comparison.report_settings.currency)
    return f"The result is worth {worth} in a year. {describe_design(row)}"


def next_tests(comparison: Comparison, outcome: str, model: str) -> list[NextTest]:
    """Return the experiments that are worth most; without any, where models disagree most.

    The disagreement is the width of the range of the value, or of the conversions where there is no
    value. Only channels with spend, where any has some: a channel that costs nothing cannot be cut.
    Where a test of whole clusters takes too long, that is said.
    """
    proposed = _proposed(comparison, outcome)[:_MOST_TESTS]
    if proposed:
        return proposed
    rows = channel_money(comparison, outcome, model)
    paid = [row for row in rows if row.spend] or rows
    apart = sorted(paid, key=lambda row: (-_disagreement(row), row.channel))
    clusters = {
        row["channel"]: f" {describe_design(row)}"
        for row in next_experiments_of(comparison, outcome)
        if row["unit"] == "cluster"
    }
    return [
        NextTest(
            row.label,
            row.word,
            _why(row, outcome, comparison.report_settings.currency) + clusters.get(row.channel, ""),
            says_how=row.channel in clusters,
        )
        for row in apart[:_MOST_TESTS]
        if _disagreement(row) >= _LEAST_MOVED
    ]


def _disagreement(row: ChannelMoney) -> float:
    if row.standing is None:
        return 0.0
    return row.standing[1] - row.standing[0]


def _why(row: ChannelMoney, outcome: str, currency: str | None) -> str:
    low, high = row.standing or (0.0, 0.0)
    spent = f"{money(row.spend, currency)} spent, credited with" if row.spend else "Credited with"
    between = f"{count(low)} to {count(high)} {conversions_of(outcome)}"
    share = "" if row.spend or row.standing_share is None else (
        f", {percent(row.standing_share[0])} to {percent(row.standing_share[1])}"
    )  # fmt: skip
    return f"{spent} {between}{share}."


def how_to_test(tests: Sequence[NextTest]) -> str:
    """Return how to run the first test, in one sentence; empty without any, or if it says so."""
    if not tests or tests[0].says_how:
        return ""
    return f"Switch {tests[0].word} off in some regions, and compare."
