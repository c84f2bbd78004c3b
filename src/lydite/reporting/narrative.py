"""The verdict on an outcome in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.reporting.display_names import (
    ACTIVITY,
    MOST_NAMED,
    group_name,
    group_names,
    is_or_are,
    model_names,
    sentence,
    still_standing,
)
from lydite.reporting.formats import (
    count,
    enumerate_names,
    interval,
    is_number,
    percent,
    percent_by_error,
    plain,
)
from lydite.reporting.history import period_of, verdict_history
from lydite.reporting.open_pairs import data_needed
from lydite.reporting.queries import (
    group_by_forecast,
    is_path_table,
    leaders,
    outcome_counts,
    rivals_of,
    same_forecast,
    with_verdict,
)
from lydite.reporting.segments import segment_summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.records import OutcomeCounts
    from lydite.reporting.queries import Row
    from lydite.results import Comparison

#: What a good forecast does not prove; every verdict ends with it.
NOT_CAUSE = "A good forecast is no proof of cause: only an experiment shows what a channel adds."

_BEYOND = f"Beyond what {ACTIVITY} predicts,"
_POSSIBLE = "of what is possible"


def headline(comparison: Comparison, outcome: str) -> str:
    """Return the verdict on one outcome in one short sentence.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    counts, name = outcome_counts(comparison, outcome), plain(outcome)
    if counts["note"]:
        # More history does not help where every journey or user converts.
        all_convert = counts["note"].startswith("every ")
        return f"{'No verdict on' if all_convert else 'Too little history to judge'} {name}."
    rivals = rivals_of(comparison, outcome)
    if not rivals:
        return f"No model was compared for {name}."
    ahead = group_by_forecast(leaders(rivals))
    if len(ahead) == 1:
        verb = "explains" if len(ahead[0]) == 1 else "explain"
        return f"{model_names(ahead[0])} {verb} {name} best."
    if ahead or with_verdict(rivals, "too_early"):
        return f"Too early to choose a model for {name}: {still_standing(rivals)}."
    if with_verdict(rivals, "no_better_than_volume"):
        return f"No model explains {name} better than {ACTIVITY}."
    return f"Every model for {name} is refuted."


def verdict_in_words(comparison: Comparison, outcome: str) -> str:
    """Return the verdict on one outcome as a paragraph.

    Parameters
    ----------
    comparison
        The result of a comparison.
    outcome
        Name of the outcome.

    Returns
    -------
    The headline, its reasons (see `reasons`), and what the verdict does not mean.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    why = reasons(comparison, outcome)
    return " ".join(filter(None, [headline(comparison, outcome), why, NOT_CAUSE]))


def reasons(comparison: Comparison, outcome: str) -> str:
    """Return the reasons for the headline as one text; see `reason_paragraphs`."""
    return " ".join(reason_paragraphs(comparison, outcome))


def reason_paragraphs(comparison: Comparison, outcome: str) -> list[str]:
    """Return the reasons for the headline.

    Returns
    -------
    Up to three paragraphs:

    1. by how much the models improve the forecast and what share of the possible that is, since
       when the verdict has stood and whether it has changed, and whether it holds in the segments;
    2. what became of the other models, and which models make the same forecast;
    3. how much data the next decision needs, and how safe the verdict is.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    counts, rivals = outcome_counts(comparison, outcome), rivals_of(comparison, outcome)
    if counts["note"]:
        return [f"{sentence(counts['note'])} Credit for its conversions is computed nevertheless."]
    if not rivals:
        return []
    ahead = group_by_forecast(leaders(rivals))
    if ahead:
        said = _one_leader(ahead[0]) if len(ahead) == 1 else _several_leaders(ahead)
    else:
        said = _no_leader(plain(outcome), rivals)
    said += [*verdict_history(comparison, outcome), segment_summary(comparison, outcome)]
    others = _other_models(rivals) if ahead else []
    others += [*_refuted(rivals), *_same_forecasts(rivals)]
    method = _path_table_note(counts) if is_path_table(counts) else _safety(comparison, outcome)
    paragraphs = (said, others, [data_needed(comparison, outcome), method])
    return [" ".join(filter(None, sentences)) for sentences in paragraphs if any(sentences)]


def _one_leader(group: Sequence[Row]) -> list[str]:
    claim = group[0]["claim"] if len(group) == 1 else ""
    said = [f"Its claim: what decides is {plain(claim)}."] if claim else []
    subject = "it" if len(group) == 1 else "they"
    return [*said, _sentence_on_improvement([f"{subject} {_improves(group)}"])]


def _several_leaders(ahead: Sequence[Sequence[Row]]) -> list[str]:
    rows = [row for group in ahead for row in group]
    if len(ahead) > MOST_NAMED:
        first, last = ahead[0], ahead[-1]
        return [
            f"Surely better than {ACTIVITY}: {group_names(rows)}. That several are is normal.",
            _sentence_on_improvement(
                [
                    f"{group_name(first)} {_improves(first)}",
                    f"{group_name(last)}, the last of them, by {_improvement(last[0])}",
                ]
            ),
        ]
    said = "The data so far does not separate the leading models, which is normal."
    if len({_improvement(group[0]) for group in ahead}) == 1:
        return [said, _sentence_on_improvement([f"each of them {_improves(rows[:1])}"])]
    first, *others = ahead
    parts = [f"{group_name(first)} {_improves(first)}"]
    parts += [f"{group_name(group)} by {_improvement(group[0])}" for group in others]
    return [said, _sentence_on_improvement(parts)]


def _sentence_on_improvement(parts: Sequence[str]) -> str:
    return f"{_BEYOND} {'; '.join(parts)}."


def _no_leader(outcome: str, rivals: Sequence[Row]) -> list[str]:
    early, volume = with_verdict(rivals, "too_early"), with_verdict(rivals, "no_better_than_volume")
    said = []
    if early:
        verb = is_or_are(early)
        said.append(
            f"{model_names(early)} {verb} not refuted, but {verb} not surely better than"
            f" {ACTIVITY} either, which is normal."
        )
        first = plain(early[0]["model"])
        said.append(_sentence_on_improvement([f"{first} {_improves(early[:1])}"]))
    if volume:
        said.append(
            f"{model_names(volume)} {is_or_are(volume)} no better than {ACTIVITY}: how active"
            f" customers are says as much about {outcome} as the channels on their paths."
        )
    return said or ["For each of them, another model is surely better."]


def _other_models(rivals: Sequence[Row]) -> list[str]:
    """Return sentences on the models that neither lead nor are refuted."""
    early, volume = with_verdict(rivals, "too_early"), with_verdict(rivals, "no_better_than_volume")
    said = [f"For {model_names(early)} it is too early to say."] if early else []
    if volume:
        said.append(f"{model_names(volume)} {is_or_are(volume)} no better than {ACTIVITY}.")
    return said


def _safety(comparison: Comparison, outcome: str) -> str:
    """Return how often the verdict may be checked and at which risk; empty without bounds."""
    rivals = rivals_of(comparison, outcome)
    if not any(is_number(row["explained_low"]) for row in rivals):
        return ""
    alpha = comparison.alpha
    risk = "" if alpha is None else f" ({100 * alpha:g}% risk of error overall)"
    return f"Safe to check every {period_of(comparison, outcome)}{risk}."


def _path_table_note(counts: OutcomeCounts) -> str:
    return (
        f"A path table has no times: this is a cross-validation over {count(counts['periods'])}"
        " folds of its journeys, not forward in time."
    )


def _refuted(rivals: Sequence[Row]) -> list[str]:
    by: dict[str, list[Row]] = {}
    for row in with_verdict(rivals, "refuted"):
        by.setdefault(plain(row["refuted_by"] or "another model"), []).append(row)
    parts = [f"{model_names(losers)} by {winner}" for winner, losers in by.items()]
    return [f"Refuted: {'; '.join(parts)}."] if parts else []


def _same_forecasts(rivals: Sequence[Row]) -> list[str]:
    groups: list[list[str]] = []
    for row in rivals:
        group = sorted(plain(name) for name in (row["model"], *same_forecast(row)))
        if len(group) > 1 and group not in groups:
            groups.append(group)
    return [
        f"{enumerate_names(group)} make the same forecast, so that no data separates them; they"
        " differ only in how they split credit."
        for group in groups
    ]


def _improves(group: Sequence[Row]) -> str:
    """Return what models with one forecast do to it, with the amount."""
    value = group[0]["explained"]
    better = not is_number(value) or value >= 0
    verb = "improve" if better else "change"
    return f"{verb}{'s' if len(group) == 1 else ''} the forecast by {_improvement(group[0])}"


def _improvement(row: Row) -> str:
    """Return the improvement with bounds, and as a share of the ceiling's."""
    low, high, share = row["explained_low"], row["explained_high"], row["share_of_ceiling"]
    if not is_number(row["explained"]):
        return "an unknown amount"
    bounds = interval(low, high)
    between = f" (bounds {bounds})" if bounds else ""
    possible = f", {percent(share)} {_POSSIBLE}" if is_number(share) else ""
    return f"{percent_by_error(row['explained'], low, high)}{between}{possible}"
