"""Words: the verdict on an outcome as people would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lydite.reporting.formats import interval, is_number, listed, percent, percent_by_error, plain
from lydite.reporting.reading import (
    alike,
    alike_groups,
    leaders,
    outcome_record,
    rivals_of,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.comparison import Comparison

    Row = Mapping[str, Any]

#: What a good fit does not say; every verdict ends with it.
NOT_CAUSE = (
    "Fit is not cause: the model that forecasts best need not say what a channel brings about;"
    " only experiments decide that."
)


def headline(comparison: Comparison, outcome: str) -> str:
    """Return the verdict on one outcome in one short sentence.

    Raises
    ------
    InputError
        When the comparison has no such outcome.
    """
    record, name = outcome_record(comparison, outcome), plain(outcome)
    if record.get("note"):
        return f"Too little history to judge {name}."
    rivals = rivals_of(comparison, outcome)
    if not rivals:
        return f"No model was compared on {name}."
    ahead = alike_groups(leaders(rivals))
    if len(ahead) == 1:
        names, verb = _names(ahead[0]), "explains" if len(ahead[0]) == 1 else "explain"
        return f"{names} {verb} {name} best."
    if ahead:
        return f"{len(ahead)} models remain for {name}: {listed([_either(g) for g in ahead])}."
    return _headline_without_leader(name, rivals)


def _headline_without_leader(name: str, rivals: Sequence[Row]) -> str:
    verdicts = {row["verdict"] for row in rivals}
    if "too_early" in verdicts:
        return f"Too early to say which model explains {name}."
    if "no_better_than_volume" in verdicts:
        return f"No model explains {name} better than touch volume."
    return f"Every model of {name} is refuted."


def verdict_in_words(comparison: Comparison, outcome: str) -> str:
    """Return the verdict on one outcome as a paragraph for people.

    Parameters
    ----------
    comparison
        The result of a trial.
    outcome
        Name of the outcome.

    Returns
    -------
    Which model is best or which remain, by how much over touch volume, what share that is of what
    could be explained, who was refuted and by whom, and what the verdict does not mean.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    record, name = outcome_record(comparison, outcome), plain(outcome)
    if record.get("note"):
        sentences = [
            f"The models were not judged on {name}: {_sentence(record['note'])}",
            "Its conversions are divided all the same.",
        ]
    else:
        sentences = _judged(name, rivals_of(comparison, outcome))
    return " ".join([*sentences, NOT_CAUSE])


def _judged(outcome: str, rivals: Sequence[Row]) -> list[str]:
    if not rivals:
        return [f"No model was compared on {outcome}."]
    ahead = alike_groups(leaders(rivals))
    if len(ahead) == 1:
        sentences = _one_ahead(outcome, ahead[0])
    elif ahead:
        sentences = _several_ahead(outcome, ahead)
    else:
        sentences = _none_ahead(outcome, rivals)
    aside = _others(rivals) if ahead else []
    return [*sentences, *aside, *_refuted(rivals), *_same_forecasts(rivals)]


def _one_ahead(outcome: str, group: Sequence[Row]) -> list[str]:
    first = group[0]
    verb, pronoun = ("explains", "It") if len(group) == 1 else ("explain", "They")
    claim = f" What decides, it claims, is {first['claim']}." if first["claim"] else ""
    return [f"{_names(group)} {verb} {outcome} best.{claim}", f"{pronoun} {_gain(group)}."]


def _several_ahead(outcome: str, ahead: Sequence[Sequence[Row]]) -> list[str]:
    names = listed([_either(group) for group in ahead])
    gains = "; ".join(f"{_either(group)} {_gain(group)}" for group in ahead)
    return [
        f"{len(ahead)} models of {outcome} remain: {names}.",
        f"The evidence so far does not separate them, which is a normal answer: {gains}.",
    ]


def _none_ahead(outcome: str, rivals: Sequence[Row]) -> list[str]:
    early, volume = _with(rivals, "too_early"), _with(rivals, "no_better_than_volume")
    sentences = []
    if early:
        if len(early) == len(rivals):
            start = "Too early to say: nothing separated yet, which is a normal answer."
        else:
            start = "Too early to say, which is a normal answer."
        least = f"; {early[0]['model']}, the first of them, {_gain(early[:1])}"
        sentences.append(start)
        sentences.append(
            f"{_subject(early)} not refuted, but not surely better than touch volume at"
            f" explaining {outcome} either{least}."
        )
    if volume:
        sentences.append(
            f"{_subject(volume)} no better than touch volume: how active customers are says as"
            f" much about {outcome} as which channels they met."
        )
    if not sentences:
        sentences.append(
            f"Every model of {outcome} is refuted by another at some time: the answer changed"
            " with the season or with the market."
        )
    return sentences


def _others(rivals: Sequence[Row]) -> list[str]:
    """Say what became of those that are neither leading nor refuted."""
    early, volume = _with(rivals, "too_early"), _with(rivals, "no_better_than_volume")
    sentences = []
    if early:
        sentences.append(f"For {_names(early)} it is too early to say.")
    if volume:
        sentences.append(f"{_subject(volume)} no better than touch volume.")
    return sentences


def _refuted(rivals: Sequence[Row]) -> list[str]:
    by: dict[str, list[str]] = {}
    for row in _with(rivals, "refuted"):
        by.setdefault(row["refuted_by"] or "another model", []).append(row["model"])
    if not by:
        return []
    parts = [f"{listed(losers)} by {winner}" for winner, losers in by.items()]
    return [f"Refuted: {'; '.join(parts)}."]


def _same_forecasts(rivals: Sequence[Row]) -> list[str]:
    groups: list[list[str]] = []
    for row in rivals:
        group = sorted([row["model"], *alike(row)])
        if len(group) > 1 and group not in groups:
            groups.append(group)
    return [
        f"{listed(group)} make the same forecast, so no outcome can tell them apart; they differ"
        " only in how they divide credit."
        for group in groups
    ]


def _gain(group: Sequence[Row]) -> str:
    """Say by how much a model is ahead, as the rest of a sentence about it."""
    row, several = group[0], len(group) > 1
    explain = "explain" if several else "explains"
    if not is_number(row["explained"]):
        return f"{explain} a share that is not known of what touch volume leaves unexplained"
    low, high = row["explained_low"], row["explained_high"]
    bounds = interval(low, high)
    between = f" (bounds {bounds}, however often one looks)" if bounds else ""
    share = row["share_of_ceiling"]
    found = f", {percent(share)} of what could be explained at all" if is_number(share) else ""
    value = percent_by_error(row["explained"], low, high)
    return f"{explain} {value} of what touch volume leaves unexplained{between}{found}"


def _with(rivals: Sequence[Row], verdict: str) -> list[Row]:
    return [row for row in rivals if row["verdict"] == verdict]


def _names(rows: Sequence[Row]) -> str:
    return listed([row["model"] for row in rows])


def _either(group: Sequence[Row]) -> str:
    """Name rivals with the same forecast as one."""
    return "/".join(row["model"] for row in group)


def _subject(rows: Sequence[Row]) -> str:
    return f"{_names(rows)} {'is' if len(rows) == 1 else 'are'}"


def _sentence(text: str) -> str:
    text = plain(" ".join(str(text).split()))
    return text if text.endswith((".", "!", "?")) else f"{text}."
