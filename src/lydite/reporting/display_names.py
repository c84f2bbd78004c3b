"""Names of models, periods and outcomes as parts of a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lydite.evaluation.verdicts import BASE_RATE, VOLUME
from lydite.reporting.formats import enumerate_names, plain
from lydite.reporting.queries import (
    Standing,
    group_by_forecast,
    null_model,
    primary_models,
    with_verdict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

#: More segments, or groups of models that are not primary, than these are counted, not named.
MOST_NAMED = 3
#: More groups of models than these are counted in a headline, not named.
MOST_IN_HEADLINE = 4
#: The baselines in words: one forecasts from how active a user is, the other knows nothing.
BASELINE_NAMES = {VOLUME: "activity alone", BASE_RATE: "a constant rate"}
#: Names of the models for readers; other models have their own name.
MODEL_NAMES = {
    "first_touch": "First touch",
    "last_touch": "Last touch",
    "last_non_direct": "Last non-direct touch",
    "linear": "Linear",
    "position_based": "Position-based",
    "w_shaped": "W-shaped",
    "time_decay": "Time decay",
    "position_based_fitted": "Position-based, fitted",
    "time_decay_fitted": "Time decay, fitted",
    "markov_1": "Markov chain, 1 step",
    "markov_2": "Markov chain, 2 steps",
    "markov_3": "Markov chain, 3 steps",
    "markov_4": "Markov chain, 4 steps",
    "shapley": "Shapley value",
    "bagged_logistic": "Logistic regression",
    "additive_hazard": "Additive hazard",
    "decision_tree": "Decision tree",
    VOLUME: "Activity alone",
    BASE_RATE: "Constant rate",
    "ceiling": "Best achieved",
}
#: Families of models; others are the user's models.
FAMILIES = {
    "Rules": (
        "first_touch", "last_touch", "last_non_direct", "linear", "position_based", "w_shaped",
        "time_decay", "position_based_fitted", "time_decay_fitted",
    ),
    "Markov chains": ("markov_1", "markov_2", "markov_3", "markov_4"),
    "Sets of channels": ("shapley",),
    "Hazard": ("additive_hazard",),
    "Learners": ("bagged_logistic", "decision_tree"),
}  # fmt: skip
OTHER_FAMILY = "Your models"
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def model_label(name: str) -> str:
    """Return the name of a model for readers."""
    return MODEL_NAMES.get(name) or plain(name)


def family_of(name: str) -> str:
    """Return the family of a model."""
    return next((family for family, names in FAMILIES.items() if name in names), OTHER_FAMILY)


def channel_label(name: str, names: Mapping[str, str] | None = None) -> str:
    """Return the name of a channel for readers: an identifier is written as words.

    Parameters
    ----------
    names
        Names of channels from the settings.

    Examples
    --------
    >>> channel_label("paid_search_brand"), channel_label("Google / CPC")
    ('Paid search brand', 'Google / CPC')
    >>> channel_label("cpc", {"cpc": "Google Ads"})
    'Google Ads'
    """
    text = plain((names or {}).get(name, name))
    if names and name in names:
        return text
    if re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", text):
        text = text.replace("_", " ")
        return text[:1].upper() + text[1:]
    return text


def channel_word(name: str, names: Mapping[str, str] | None = None) -> str:
    """Return the name of a channel within a sentence; a name from the settings stays as it is.

    Examples
    --------
    >>> channel_word("paid_search"), channel_word("cpc", {"cpc": "Google"})
    ('paid search', 'Google')
    """
    label = channel_label(name, names)
    return label if names and name in names else within_sentence(label)


def within_sentence(label: str) -> str:
    """Return a label within a sentence: in lower case, if only its first letter is a capital."""
    return label[:1].lower() + label[1:] if label[1:] == label[1:].lower() else label


def conversions_of(outcome: str, number: float | None = None) -> str:
    """Return what the conversions of an outcome are called: its plural, or its singular for one.

    Examples
    --------
    >>> conversions_of("purchase"), conversions_of("enquiry"), conversions_of("purchase", 1)
    ('purchases', 'enquiries', 'purchase')
    """
    name = plain(outcome).replace("_", " ")
    if not re.fullmatch(r"[A-Za-z][A-Za-z -]*", name):
        return f"conversions ({name})"
    if number == 1:
        return name
    if re.search(r"[^aeiou]y$", name):
        return f"{name[:-1]}ies"
    return f"{name}es" if re.search(r"(s|x|ch|sh)$", name) else f"{name}s"


def null_name(comparison: Comparison, outcome: str) -> str:
    """Return the null hypothesis among all users in words."""
    return BASELINE_NAMES[null_model(comparison, outcome)]


def number_name(number: int) -> str:
    """Return a small number as a word."""
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number}"


def model_names(rows: Sequence[Row]) -> str:
    """Return the names of models as an enumeration."""
    return enumerate_names([plain(row["model"]) for row in rows])


def group_name(group: Sequence[Row]) -> str:
    """Return one name for models that make the same forecast: ``last_touch/markov_1``.

    Of more than four the first three are named: ``last_touch/linear/markov_2/9 others``.
    """
    names = [plain(row["model"]) for row in group]
    if len(names) > MOST_NAMED + 1:
        names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} others"]
    return "/".join(names)


def group_names(rows: Sequence[Row]) -> str:
    """Return the names of models as an enumeration, those with the same forecast as one."""
    return enumerate_names([group_name(group) for group in group_by_forecast(rows)])


def is_or_are(rows: Sequence[object]) -> str:
    """Return the verb for one or for several."""
    return "is" if len(rows) == 1 else "are"


def standing_in_words(standing: Standing, rivals: Sequence[Row]) -> str:
    """Return the state of a comparison in a few words: the best model, or those that stand."""
    if standing.is_best_of_all and standing.best and len(standing.best) <= MOST_NAMED:
        return f"{model_names(standing.best)} {is_or_are(standing.best)} best"
    if standing.best:
        of = "" if standing.is_best_of_all else f" of {primary_in_words(rivals)}"
        return f"{group_name(standing.best)} is best{of}"
    if standing.ahead:
        return still_standing(standing, rivals)
    if with_verdict(standing.rows, "too_early"):
        return "too early to say"
    return "no model is better than the baselines" if standing.rows else "every model is refuted"


def still_standing(standing: Standing, rivals: Sequence[Row]) -> str:
    """Return how many primary models are not refuted, with their names if they are few.

    Where every primary model is refuted, the others are counted.
    """
    models, counted, kind = models_of(standing.first), list(rivals), ""
    names = f" ({group_names(models)})" if len(standing.first) <= MOST_IN_HEADLINE else ""
    if standing.primary:
        models, counted = primary_models(models), primary_models(rivals)
        kind = "primary models " if len(counted) < len(rivals) else ""
    verb = "stands" if len(models) == 1 else "stand"
    return f"{len(models)} of {len(counted)} {kind}still {verb}{names}"


def models_of(groups: Sequence[Sequence[Row]]) -> list[Row]:
    """Return the models of all groups."""
    return [row for group in groups for row in group]


def primary_in_words(rivals: Sequence[Row]) -> str:
    """Return the primary models as a number of them: ``the four primary models``."""
    return f"the {number_name(len(primary_models(rivals)))} primary models"


def period_name(period: str, day: date) -> str:
    """Return a period by its first day, to follow ``since`` or ``until``."""
    if period == "day":
        return str(day)
    return f"the {period} of {str(day)[:7] if period == 'month' else day}"


def sentence(text: object) -> str:
    """Return a text of the tables as a sentence: capitalised, with a full stop."""
    words = plain(" ".join(str(text).split()))
    words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "!", "?")) else f"{words}."
