"""What a leader should believe: one sentence, how sure it is, and the state of the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lydite.reporting.champion import champion_of
from lydite.reporting.channel_money import LAST_TOUCH, channel_money, model_to_show
from lydite.reporting.display_names import conversions_of, model_label, model_word, sentence
from lydite.reporting.experiment_findings import judged_model
from lydite.reporting.formats import (
    count,
    currency_prefix,
    enumerate_names,
    fixed,
    is_number,
    percent,
)
from lydite.reporting.history import period_of
from lydite.reporting.model_groups import MOST_NAMED
from lydite.reporting.narrative import headline
from lydite.reporting.open_pairs import open_pairs
from lydite.reporting.queries import (
    outcome_counts,
    rivals_of,
    rows_of,
    standing_models,
    warnings_of,
    with_verdict,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lydite.reporting.channel_money import ChannelMoney, Range
    from lydite.reporting.queries import Row, Standing
    from lydite.results import Comparison

#: Channels with a smaller share of spend are not named in the sentence.
LEAST_SHARE = 0.01
#: Larger figures need no decimals.
_LARGE = 10
_A_YEAR = {"day": 365, "week": 52, "month": 12}
_FRACTIONS = ((0.5, "half"), (1 / 3, "a third"), (0.25, "a quarter"))


@dataclass(frozen=True)
class Chip:
    """One mark of the state: what it is about, the state, and more on it.

    `tone` is good, open, bad or plain.
    """

    about: str
    state: str
    more: str
    tone: str


@dataclass(frozen=True)
class Decision:
    """The sentence that decides, the sentence that says how sure it is, and the chips."""

    text: str
    detail: str
    chips: Sequence[Chip]


def decide(comparison: Comparison, outcome: str) -> Decision:
    """Return what to believe about one outcome.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    note = outcome_counts(comparison, outcome)["note"]
    standing = standing_models(comparison, outcome)
    rivals = rivals_of(comparison, outcome)
    chips = [_verdict_chip(comparison, outcome, standing, note), _data_chip(comparison, outcome)]
    chips.append(_experiments_chip(comparison, outcome))
    channels = agreement(comparison, outcome)
    if note or not rivals:
        said = headline(comparison, outcome)
        detail = sentence(note) if note else ""
        return Decision(f"{channels} {said}".strip(), detail, chips)
    against = _contradicted(comparison, outcome, standing)
    if standing.best:
        name = model_label(standing.best[0]["model"])
        by = f"Budget {conversions_of(outcome)} by {name}."
        if against:
            by = f"{name} forecasts {conversions_of(outcome)} best, but {against}"
        return Decision(f"{by} {channels}".strip(), _why_best(standing, rivals), chips)
    if standing.ahead or with_verdict(standing.rows, "too_early"):
        detail = _too_early(comparison, outcome, standing, rivals)
        detail = f"{detail} {against}".strip()
        return Decision(channels or headline(comparison, outcome), detail, chips)
    if not standing.rows:
        text = f"Every model for {conversions_of(outcome)} is ruled out by another."
        return Decision(text, channels, chips)
    return Decision(headline(comparison, outcome), channels, chips)


def _experiments_chip(comparison: Comparison, outcome: str) -> Chip:
    """Say whether experiments agree with the model in use, or with the one that is shown."""
    about = "Experiments"
    rows = rows_of(comparison, "experiments", outcome)
    found = {row["experiment"] for row in rows}
    if not found:
        return Chip(about, "none yet", "", "plain")
    model = judged_model(comparison, outcome)
    verdicts = {
        row["model"]: row["verdict"] for row in rows_of(comparison, "experiment_verdicts", outcome)
    }
    name = "" if model is None else model_word(model)
    if model in _contradicted_models(comparison, outcome):
        return Chip(about, "contradict", name, "bad")
    match verdicts.get(model):
        case "agrees":
            return Chip(about, "agree", f"with {name}", "good")
        case "uninformative":
            return Chip(about, "undecided", f"on {name}", "open")
    readable = {row["experiment"] for row in rows if row["may_read"] != "none"}
    if readable:
        return Chip(about, f"{count(len(readable))} read", "", "plain")
    return Chip(about, f"{count(len(found))} not readable yet", "", "plain")


# --- the sentence ---------------------------------------------------------------------------------


def agreement(comparison: Comparison, outcome: str) -> str:
    """Return what all models that stand agree on, about money if possible; empty without credit.

    The channel that does best for sure, and the one that costs most.
    """
    model = model_to_show(comparison, outcome)
    if model is None:
        return ""
    rows = channel_money(comparison, outcome, model)
    paid = [row for row in rows if (row.spend_share or 0) >= LEAST_SHARE]
    standing = len(standing_models(comparison, outcome).rows)
    under = {0: "", 1: ""}.get(standing, " under every model still standing")
    prefix = currency_prefix(comparison.report_settings.currency)
    by_return = [row for row in paid if row.standing_return]
    by_cost = [row for row in paid if row.standing_cost]
    if by_return and any((row.standing_return or (0, 0))[1] for row in by_return):
        best = max(by_return, key=lambda row: (row.standing_return or (0.0,))[0])
        words = (f"returned {{}} per {prefix}1 spent", "returned {}")
        return _about_two(best, by_return, lambda row: row.standing_return, words, under)
    if by_cost:
        words = (f"cost {prefix}{{}} per {conversions_of(outcome, 1)}", f"cost {prefix}{{}}")
        best = min(by_cost, key=lambda row: (row.standing_cost or (0.0, 0.0))[1])
        return _about_two(best, by_cost, lambda row: row.standing_cost, words, under)
    return _about_shares(rows, conversions_of(outcome), under)


def _about_two(
    best: ChannelMoney,
    rows: Sequence[ChannelMoney],
    figure: Callable[[ChannelMoney], Range | None],
    words: tuple[str, str],
    under: str,
) -> str:
    """Return a figure of the best channel, and of the largest of the others."""
    said = f"{best.label} {words[0].format(_range(figure(best)))}{under}."
    others = [row for row in rows if row is not best]
    if not others:
        return said
    largest = max(others, key=lambda row: row.spend or 0)
    amount = words[1].format(_range(figure(largest)))
    share = f"{_fraction(largest.spend_share or 0)} of spend"
    return f"{said} {largest.label}, {share}, {amount}."


def _about_shares(rows: Sequence[ChannelMoney], conversions: str, under: str) -> str:
    known = [row for row in rows if row.standing_share and row.standing_share[1] > 0]
    if not known:
        return ""
    best = max(known, key=lambda row: (row.standing_share or (0.0,))[0])
    said = f"{best.label} earned {_shares(best)} of the credit for {conversions}{under}."
    others = [row for row in known if row is not best]
    if not others:
        return said
    widest = max(others, key=_width)
    return f"{said} {widest.label} earned {_shares(widest)}."


def _width(row: ChannelMoney) -> float:
    low, high = row.standing_share or (0.0, 0.0)
    return high - low


def _shares(row: ChannelMoney) -> str:
    low, high = row.standing_share or (0.0, 0.0)
    first, last = percent(low), percent(high)
    return first if first == last else f"{first} to {last}"


def _range(values: Range | None) -> str:
    """Return a range, or one number where its ends are the same."""
    low, high = values or (0.0, 0.0)
    decimals = 1 if (high if is_number(high) else low) < _LARGE else 0
    first, last = fixed(low, decimals), fixed(high, decimals)
    if not is_number(high):
        return f"{first} or more"
    return first if first == last else f"{first} to {last}"


def _fraction(share: float) -> str:
    for value, words in _FRACTIONS:
        if abs(share - value) < 0.03:
            return words
    return percent(share)


# --- how sure -------------------------------------------------------------------------------------


def _why_best(standing: Standing, rivals: Sequence[Row]) -> str:
    group = standing.best or ()
    claim = f"It says that what decides is {group[0]['claim']}." if group[0]["claim"] else ""
    others = len(rivals) - len(group)
    if standing.is_best_of_all:
        rest = "Every other model is ruled out." if others > 1 else "The other model is ruled out."
        return f"{claim} {rest if others else ''}".strip()
    stand = len(standing.rows) - len(group)
    also = (
        f"{count(stand)} secondary model{'s' if stand > 1 else ''} still"
        f" stand{'' if stand > 1 else 's'}"
    )
    return f"{claim} The other primary models are ruled out; {also}.".strip()


def _too_early(
    comparison: Comparison, outcome: str, standing: Standing, rivals: Sequence[Row]
) -> str:
    stand, out = len(standing.rows), with_verdict(rivals, "refuted")
    names = [model_word(row["model"]) for row in out]
    ruled_out = ""
    if out:
        who = enumerate_names(names) if len(names) <= MOST_NAMED else f"{len(names)} models"
        ruled_out = f", {who} {'is' if len(names) == 1 else 'are'} ruled out"
    early = f"It is too early to choose one model for {conversions_of(outcome)}"
    said = [f"{early}: {stand} of {len(rivals)} still stand{ruled_out}."]
    when = _next_decision(comparison, outcome)
    if when:
        said.append(f"Expect the next decision {when}.")
    without_champion = champion_of(comparison, outcome) is None
    if without_champion and any(row["model"] == LAST_TOUCH for row in rivals):
        said.append("In use until then: last touch.")
    return " ".join(said)


def _next_decision(comparison: Comparison, outcome: str) -> str:
    """Return when the next pair of models is decided, in words; empty if not known."""
    periods = (
        pair.row["more_periods"]
        for pair in open_pairs(comparison, outcome)  # the most important first
        if pair.is_decidable and pair.row["more_periods"]
    )
    first, period = next(periods, None), period_of(comparison, outcome)
    if first is None:
        return ""
    if first > _A_YEAR.get(period, first):
        return "in more than a year"
    return f"in about {count(first)} {period}{'' if first == 1 else 's'}"


def _contradicted(comparison: Comparison, outcome: str, standing: Standing) -> str:
    """Return how many of the models that forecast well experiments contradict; empty if none.

    Where one model forecasts best, it is about that one.
    """
    found = _contradicted_models(comparison, outcome)
    if standing.best:
        return "experiments contradict it." if standing.best[0]["model"] in found else ""
    names = {row["model"] for row in standing.rows}
    number = len(names & found)
    if not number:
        return ""
    which = f"all {number}" if number == len(names) else f"{number} of the {len(names)}"
    return f"Experiments contradict {which} that stand."


def _contradicted_models(comparison: Comparison, outcome: str) -> set[str]:
    """Return the models whose credit, or whose expectation, experiments contradict."""
    return {
        row["model"]
        for row in rows_of(comparison, "experiment_verdicts", outcome)
        if "contradicted" in (row["verdict"], row["hypothesis_verdict"])
    }


# --- chips ----------------------------------------------------------------------------------------


def _verdict_chip(comparison: Comparison, outcome: str, standing: Standing, note: str) -> Chip:
    if note:
        return Chip("Verdict", "none", "", "bad" if note.startswith("every ") else "open")
    if standing.best:
        return Chip("Verdict", "decided", model_label(standing.best[0]["model"]), "good")
    if standing.ahead or with_verdict(standing.rows, "too_early"):
        when = _next_decision(comparison, outcome)
        return Chip("Verdict", "too early", f"decision {when}" if when else "", "open")
    return Chip("Verdict", "no model is better", "", "open")


def _data_chip(comparison: Comparison, outcome: str) -> Chip:
    blocking = [finding for finding in comparison.findings if finding.blocking]
    if blocking:
        return Chip("Data", "incomplete", f"{len(blocking)} to fix", "bad")
    warnings = len(warnings_of(comparison, outcome)) + len(comparison.quarantined)
    if warnings:
        return Chip("Data", "complete", f"{warnings} warning{'' if warnings == 1 else 's'}", "open")
    return Chip("Data", "complete", "no findings", "good")
