"""Names of models, channels, outcomes and periods for readers: the same on every surface."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lydite.evaluation.verdicts import BASE_RATE, VOLUME
from lydite.reporting.formats import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date


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


#: Names of models within a sentence, where they are not the name in lower case.
_IN_SENTENCES = {
    "w_shaped": "W-shaped",
    "position_based_fitted": "fitted position-based",
    "time_decay_fitted": "fitted time decay",
    "markov_1": "1-step Markov chain",
    "markov_2": "2-step Markov chain",
    "markov_3": "3-step Markov chain",
    "markov_4": "4-step Markov chain",
    "shapley": "Shapley value",
}


def model_word(name: str) -> str:
    """Return the name of a model within a sentence; models of users keep theirs.

    Examples
    --------
    >>> model_word("last_touch"), model_word("markov_2"), model_word("my_rule")
    ('last touch', '2-step Markov chain', 'my_rule')
    """
    if name in MODEL_NAMES:
        return _IN_SENTENCES.get(name) or within_sentence(MODEL_NAMES[name])
    return plain(name)


def start_sentence(text: str) -> str:
    """Return a text that begins with the name of a model as the start of a sentence.

    Examples
    --------
    >>> start_sentence("last touch leads"), start_sentence("my_rule leads")
    ('Last touch leads', 'my_rule leads')
    """
    if any(text.startswith(model_word(name)) for name in MODEL_NAMES):
        return text[:1].upper() + text[1:]
    return text


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


def write_names(text: str, channels: Iterable[str], names: Mapping[str, str] | None = None) -> str:
    """Return a text of the tables with names for readers: of models, and of quoted channels.

    Parameters
    ----------
    channels
        Names of the channels that the text may quote.
    names
        Names of channels from the settings.

    Examples
    --------
    >>> write_names("the verdict on markov_2 is about 'paid_search'", ["paid_search"])
    'the verdict on 2-step Markov chain is about paid search'
    """
    quoted = {repr(channel): channel_word(channel, names) for channel in channels}
    models = {name: model_word(name) for name in MODEL_NAMES if "_" in name}
    known = [re.escape(name) for name in quoted] + [rf"\b{name}\b" for name in models]
    return re.sub("|".join(known), lambda found: (quoted | models)[found[0]], text)


def experiment_word(name: str) -> str:
    """Return the name of an experiment within a sentence: an identifier is written as words.

    Examples
    --------
    >>> experiment_word("brand_holdout"), experiment_word("Spring 2026")
    ('brand holdout', 'Spring 2026')
    """
    text = plain(name)
    return text.replace("_", " ") if re.fullmatch(r"[A-Za-z0-9]+(_[A-Za-z0-9]+)*", text) else text


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


def number_name(number: int) -> str:
    """Return a small number as a word."""
    return _NUMBERS[number] if number < len(_NUMBERS) else f"{number}"


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
