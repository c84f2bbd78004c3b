"""The verdict on an outcome in plain words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.evaluation.error_budget import LOOKBACK_SHARE, PRIMARY_SHARE, SEGMENT_SHARE
from lydite.reporting.display_names import model_word, number_name, sentence, start_sentence
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
from lydite.reporting.model_groups import (
    MOST_IN_HEADLINE,
    MOST_NAMED,
    group_name,
    group_names,
    is_or_are,
    model_names,
    models_of,
    null_name,
    primary_in_words,
    still_standing,
)
from lydite.reporting.open_pairs import data_needed
from lydite.reporting.queries import (
    LEADING,
    has_other_lookbacks,
    has_segments,
    is_path_table,
    outcome_counts,
    primary_models,
    rivals_of,
    same_forecast,
    standing_models,
    with_verdict,
)
from lydite.reporting.segments import segment_summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.records import OutcomeCounts
    from lydite.reporting.queries import Row, Standing
    from lydite.results import Comparison

#: What a good forecast does not prove; every verdict ends with it.
NOT_CAUSE = "A better forecast is not a better cause: only an experiment shows what a channel adds."

_BEST_ACHIEVED = "of the best achieved"


def headline(comparison: Comparison, outcome: str) -> str:
    """Return the verdict on one outcome in one short sentence.

    It speaks of the primary models. A model explains the outcome best only if every other primary
    model is refuted.

    Raises
    ------
    InputError
        When the comparison has no such outcome; the message names those that exist.
    """
    counts, name = outcome_counts(comparison, outcome), plain(outcome)
    if counts["note"]:
        # More history does not help where every journey or user converts.
        lacking = "few conversions" if is_path_table(counts) else "little history"
        all_convert = counts["note"].startswith("every ")
        return f"{'No verdict on' if all_convert else f'Too {lacking} to judge'} {name}."
    rivals = rivals_of(comparison, outcome)
    if not rivals:
        return f"No model was compared for {name}."
    standing = standing_models(comparison, outcome)
    if standing.best:
        return _best_in_words(standing, rivals, name)
    if standing.ahead or with_verdict(standing.rows, "too_early"):
        return f"Too early to choose a model for {name}: {still_standing(standing, rivals)}."
    if standing.rows:
        kind = (
            "primary model" if any(row["verdict"] in LEADING for row in standing.rows) else "model"
        )
        return f"No {kind} explains {name} better than {null_name(comparison, outcome)}."
    return f"Every model for {name} is refuted."


def _best_in_words(standing: Standing, rivals: Sequence[Row], outcome: str) -> str:
    group = standing.best or ()
    if standing.is_best_of_all and 1 < len(group) <= MOST_NAMED:
        return start_sentence(f"{model_names(group)} explain {outcome} best.")
    of = "" if standing.is_best_of_all else f" of {primary_in_words(rivals)}"
    return start_sentence(f"{group_name(group)} explains {outcome} best{of}.")


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

    1. by how much the models of the headline improve the forecast and what share of the best
       achieved that is, since when the verdict has stood and whether it has changed, and whether it
       holds in the segments;
    2. which secondary models stand too, which models are surely better than the null hypothesis,
       which are refuted, and which make the same forecast;
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
    standing, null = standing_models(comparison, outcome), null_name(comparison, outcome)
    said = _improvements(standing, null)
    said += [*verdict_history(comparison, outcome), segment_summary(comparison, outcome)]
    others = [*_secondary(standing, rivals), *_against_null(standing, plain(outcome), null)]
    others += [*_refuted(rivals), *_same_forecasts(rivals)]
    method = [data_needed(comparison, outcome), _safety(comparison, outcome)]
    method += [_path_table_note(counts)] if is_path_table(counts) else []
    paragraphs = (said, others, method)
    return [" ".join(filter(None, sentences)) for sentences in paragraphs if any(sentences)]


def _improvements(standing: Standing, null: str) -> list[str]:
    """Return how much the models of the headline improve the forecast."""
    first = standing.first
    if standing.best:
        group = standing.best
        claim = group[0]["claim"] if len(group) == 1 else ""
        said = [f"Its claim: what decides is {plain(claim)}."] if claim else []
        subject = "it" if len(group) == 1 else "they"
        return [*said, _beyond(null, [f"{subject} {_improves(group)}"])]
    if not first or all(group[0]["verdict"] == "no_better_than_volume" for group in first):
        return []
    several = ["The data so far does not separate them, which is normal."] if first[1:] else []
    amounts = {_improvement(group[0]) for group in first}
    if len(first) > 1 and len(amounts) == 1:
        return [*several, _beyond(null, [f"each of them {_improves(first[0][:1])}"])]
    parts = [f"{group_name(first[0])} {_improves(first[0])}"]
    if len(first) > MOST_IN_HEADLINE:
        last = first[-1]
        parts += [f"{group_name(last)}, the last of them, by {_improvement(last[0])}"]
    else:
        parts += [f"{group_name(group)} by {_improvement(group[0])}" for group in first[1:]]
    return [*several, _beyond(null, parts)]


def _beyond(null: str, parts: Sequence[str]) -> str:
    return f"Beyond what {null} predicts, {'; '.join(parts)}."


def _secondary(standing: Standing, rivals: Sequence[Row]) -> list[str]:
    """Return which secondary models stand, where there are primary models."""
    groups, primary = standing.secondary, primary_models(rivals)
    if not groups or len(primary) == len(rivals):
        return []
    if not standing.primary:
        return [f"All {number_name(len(primary))} primary models are refuted."]
    if len(groups) > MOST_IN_HEADLINE:
        return [f"{count(len(models_of(groups)))} secondary models also stand."]
    kind = "model" if len(groups) == 1 else "models"
    stand = "stands" if len(groups) == 1 else "stand"
    return [f"The secondary {kind} {group_names(models_of(groups))} also {stand}."]


def _against_null(standing: Standing, outcome: str, null: str) -> list[str]:
    """Return which models that stand are surely better than the null hypothesis, or no better."""
    rows = standing.rows
    leading = [row for row in rows if row["verdict"] in LEADING]
    early, volume = with_verdict(rows, "too_early"), with_verdict(rows, "no_better_than_volume")
    if standing.is_best_of_all:
        return []
    if not rows:
        return ["For each of them, another model is surely better."]
    said = []
    if len(leading) == len(rows):
        named = len(standing.first) <= MOST_IN_HEADLINE >= len(standing.secondary)
        names = "" if named else f": {group_names(leading)}"
        said.append(f"All of them are surely better than {null}{names}.")
    elif leading:
        said.append(f"Surely better than {null}: {group_names(leading)}.")
    if early and leading:
        said.append(f"For {group_names(early)} it is too early to say.")
    elif early:
        verb = is_or_are(early)
        said.append(
            start_sentence(
                f"{group_names(early)} {verb} not refuted, but {verb} not surely better than {null}"
                " either, which is normal."
            )
        )
    if volume:
        why = f": the channels on a path add nothing worthwhile to the forecast of {outcome}"
        text = start_sentence(f"{group_names(volume)} {is_or_are(volume)} no better than {null}")
        said.append(f"{text}{'' if leading or early else why}.")
    return said


def _safety(comparison: Comparison, outcome: str) -> str:
    """Return the risk of a wrong verdict and how it is split; empty without bounds."""
    rivals = rivals_of(comparison, outcome)
    if not any(is_number(row["explained_low"]) for row in rivals):
        return ""
    is_path = is_path_table(outcome_counts(comparison, outcome))
    often = "" if is_path else f"safe to check every {period_of(comparison, outcome)}"
    risk = "" if comparison.alpha is None else _risk(comparison, outcome, rivals)
    return sentence(": ".join(filter(None, [often, risk]))) if often or risk else ""


def _risk(comparison: Comparison, outcome: str, rivals: Sequence[Row]) -> str:
    """Return the risk of a wrong verdict, and how it is split between the comparisons."""
    outcomes = len(comparison.outcomes)
    segments = SEGMENT_SHARE if has_segments(comparison, outcome) else 0.0
    if len(primary_models(rivals)) < len(rivals):
        shares = {
            "the primary models": PRIMARY_SHARE,
            "the secondary ones": 1 - PRIMARY_SHARE - segments,
        }
    else:
        shares = {"all users": 1 - segments}
    shares |= {"the segments": segments} if segments else {}
    if has_other_lookbacks(comparison):
        if not segments and not shares.keys() - {"all users"}:
            shares = {"this lookback": 1.0}
        shares = {what: share * (1 - LOOKBACK_SHARE) for what, share in shares.items()}
        shares["the other lookbacks"] = LOOKBACK_SHARE
    split = [f"{percent(share)} on {what}" for what, share in shares.items()]
    text = f"the risk of any wrong verdict in this report is {100 * (comparison.alpha or 0):g}%"
    text += f", divided equally between {outcomes} outcomes" if outcomes > 1 else ""
    return f"{text}; of it, {enumerate_names(split)}" if split[1:] else text


def _path_table_note(counts: OutcomeCounts) -> str:
    return (
        f"A path table has no times: this is a cross-validation over {count(counts['periods'])}"
        " folds of its journeys, not forward in time."
    )


def _refuted(rivals: Sequence[Row]) -> list[str]:
    by: dict[str, list[Row]] = {}
    for row in with_verdict(rivals, "refuted"):
        by.setdefault(model_word(row["refuted_by"] or "another model"), []).append(row)
    parts = [f"{model_names(losers)} by {winner}" for winner, losers in by.items()]
    return [f"Refuted: {'; '.join(parts)}."] if parts else []


def _same_forecasts(rivals: Sequence[Row]) -> list[str]:
    groups: list[list[str]] = []
    for row in rivals:
        names = sorted([row["model"], *same_forecast(row)])
        group = [model_word(name) for name in names]
        if len(group) > 1 and group not in groups:
            groups.append(group)
    return [
        start_sentence(f"{enumerate_names(group)} make the same forecast, so that no data")
        + " separates them; they differ only in how they split credit."
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
    of_best = f", {percent(share)} {_BEST_ACHIEVED}" if is_number(share) else ""
    return f"{percent_by_error(row['explained'], low, high)}{between}{of_best}"
