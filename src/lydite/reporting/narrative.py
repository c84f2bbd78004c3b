"""Words: the verdict on an outcome as people would say it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lydite.reporting.display_names import MOST_NAMED, are, either, explain, names, sentence
from lydite.reporting.formats import (
    count,
    interval,
    is_number,
    listed,
    percent,
    percent_by_error,
    plain,
)
from lydite.reporting.history import over_time
from lydite.reporting.open_pairs import settling_in_words
from lydite.reporting.queries import (
    alike,
    alike_groups,
    from_path_table,
    leaders,
    outcome_record,
    rivals_of,
    with_verdict,
)
from lydite.reporting.segments import segments_in_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lydite.results import Comparison

    Row = Mapping[str, Any]

#: What a good fit does not say; every verdict ends with it.
NOT_CAUSE = (
    "Fit is not cause: the model that forecasts best need not say what a channel brings about;"
    " only experiments decide that."
)

_OF_WHAT = "Of what touch volume leaves unexplained,"
# The whole that a share is of: in full at first, and again in short.
_OF_ALL, _OF_THAT = "of what could be explained at all", "of that"
_SURE = "Bounds and verdicts hold however often one looks, up to the chance of error that was set."


def headline(comparison: Comparison, outcome: str) -> str:
    """Return the verdict on one outcome in one short sentence.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    record, name = outcome_record(comparison, outcome), plain(outcome)
    if record.get("note"):
        return f"Too little history to judge {name}."
    rivals = rivals_of(comparison, outcome)
    if not rivals:
        return f"No model was compared on {name}."
    ahead = alike_groups(leaders(rivals))
    if len(ahead) == 1:
        return f"{names(ahead[0])} {explain(ahead[0])} {name} best."
    if len(ahead) > MOST_NAMED:
        return f"{len(ahead)} models remain for {name}; nothing separates them yet."
    if ahead:
        return f"{len(ahead)} models remain for {name}: {listed([either(g) for g in ahead])}."
    return _headline_without_leader(name, rivals)


def _headline_without_leader(name: str, rivals: Sequence[Row]) -> str:
    if with_verdict(rivals, "too_early"):
        return f"Too early to say which model explains {name}."
    if with_verdict(rivals, "no_better_than_volume"):
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
    The headline, what it rests on (see `reasons`), and what the verdict does not mean.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    why = reasons(comparison, outcome)
    return " ".join(filter(None, [headline(comparison, outcome), why, NOT_CAUSE]))


def reasons(comparison: Comparison, outcome: str) -> str:
    """Return what the headline rests on.

    Returns
    -------
    By how much the models are ahead of touch volume, what share that is of what could be
    explained, since when, whether that has turned, who was refuted and by whom, whose forecasts
    are the same, whether it holds in the segments, what is open and would settle it, how sure it
    is, and, of a path table, that the comparison is not forward in time.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    record, rivals = outcome_record(comparison, outcome), rivals_of(comparison, outcome)
    if record.get("note"):
        return f"{sentence(record['note'])} Its conversions are divided all the same."
    if not rivals:
        return ""
    ahead = alike_groups(leaders(rivals))
    told = _one_ahead(ahead[0]) if len(ahead) == 1 else _several_ahead(ahead) if ahead else []
    told += [] if ahead else _none_ahead(plain(outcome), rivals)
    told += [*over_time(comparison, outcome), segments_in_words(comparison, outcome)]
    told += _others(rivals) if ahead else []
    told += [*_refuted(rivals), *_same_forecasts(rivals), settling_in_words(comparison, outcome)]
    told += [_without_clock(record) if from_path_table(record) else _sure(rivals)]
    return " ".join(filter(None, told))


def _without_clock(record: Row) -> str:
    return (
        f"The comparison is by cross-validation over {count(record.get('periods'))} folds of the"
        " journeys of a path table; it is not forward in time."
    )


def _one_ahead(group: Sequence[Row]) -> list[str]:
    claims = [f"What decides, it claims, is {plain(group[0]['claim'])}."]
    subject = "it explains" if len(group) == 1 else "they explain"
    known = claims if len(group) == 1 and group[0]["claim"] else []
    return [*known, f"{_OF_WHAT} {subject} {_gain(group[0])}."]


def _several_ahead(ahead: Sequence[Sequence[Row]]) -> list[str]:
    if len(ahead) > MOST_NAMED:
        who = listed([either(group) for group in ahead])
        first, last = ahead[0], ahead[-1]
        top = _explains(first)
        end = f"the last of them, {either(last)}, {_gain(last[0], _OF_THAT)}"
        return [f"They are {who}, which is a normal answer.", f"{_OF_WHAT} {top}; {end}."]
    if len({_gain(group[0]) for group in ahead}) == 1:
        told = [f"each explains {_gain(ahead[0][0])}"]
    else:
        told = [_explains(ahead[0]), *(_explains(group, _OF_THAT) for group in ahead[1:])]
    return [
        "The evidence so far does not separate them, which is a normal answer.",
        f"{_OF_WHAT} {'; '.join(told)}.",
    ]


def _none_ahead(outcome: str, rivals: Sequence[Row]) -> list[str]:
    early, volume = with_verdict(rivals, "too_early"), with_verdict(rivals, "no_better_than_volume")
    sentences = []
    if early:
        nothing = "Nothing separated yet" if len(early) == len(rivals) else "Not enough is known"
        sentences.append(
            f"{nothing}, which is a normal answer: {names(early)} {are(early)} not refuted, but"
            " not surely better than touch volume either."
        )
        subject = f"{plain(early[0]['model'])} explains {_gain(early[0])}"
        sentences.append(f"{_OF_WHAT} {subject}.")
    if volume:
        sentences.append(
            f"{names(volume)} {are(volume)} no better than touch volume: how active customers"
            f" are says as much about {outcome} as what these models make of the channels."
        )
    if not sentences:
        sentences.append("Each of them has another surely ahead of it.")
    return sentences


def _others(rivals: Sequence[Row]) -> list[str]:
    """Say what became of those that are neither leading nor refuted."""
    early, volume = with_verdict(rivals, "too_early"), with_verdict(rivals, "no_better_than_volume")
    sentences = []
    if early:
        sentences.append(f"For {names(early)} it is too early to say.")
    if volume:
        sentences.append(f"{names(volume)} {are(volume)} no better than touch volume.")
    return sentences


def _sure(rivals: Sequence[Row]) -> str:
    """Say how sure it is, where there are bounds."""
    return _SURE if any(is_number(row["explained_low"]) for row in rivals) else ""


def _refuted(rivals: Sequence[Row]) -> list[str]:
    by: dict[str, list[Row]] = {}
    for row in with_verdict(rivals, "refuted"):
        by.setdefault(plain(row["refuted_by"] or "another model"), []).append(row)
    parts = [f"{names(losers)} by {winner}" for winner, losers in by.items()]
    return [f"Refuted: {'; '.join(parts)}."] if parts else []


def _same_forecasts(rivals: Sequence[Row]) -> list[str]:
    groups: list[list[str]] = []
    for row in rivals:
        group = sorted(plain(name) for name in (row["model"], *alike(row)))
        if len(group) > 1 and group not in groups:
            groups.append(group)
    return [
        f"{listed(group)} make the same forecast, so these outcomes cannot tell them apart;"
        " they differ only in how they divide credit."
        for group in groups
    ]


def _explains(group: Sequence[Row], of: str = _OF_ALL) -> str:
    return f"{either(group)} {explain(group)} {_gain(group[0], of)}"


def _gain(row: Row, of: str = _OF_ALL) -> str:
    """Say how much a model explains, with bounds and as a share of what could be explained."""
    low, high, share = row["explained_low"], row["explained_high"], row["share_of_ceiling"]
    if not is_number(row["explained"]):
        return "a share that is not known"
    bounds = interval(low, high)
    between = f" (bounds {bounds})" if bounds else ""
    found = f", {percent(share)} {of}" if is_number(share) else ""
    return f"{percent_by_error(row['explained'], low, high)}{between}{found}"
