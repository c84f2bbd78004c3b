"""Names of models, periods and outcomes as parts of a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.reporting.formats import enumerate_names, plain
from lydite.reporting.queries import (
    group_by_forecast,
    leaders,
    standing_models,
    with_verdict,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from lydite.reporting.queries import Row

#: More models or segments than these are counted in a sentence, not named.
MOST_NAMED = 3
#: The null model in words: it forecasts from how active a user is.
ACTIVITY = "activity alone"


def model_names(rows: Sequence[Row]) -> str:
    """Return the names of models as an enumeration."""
    return enumerate_names([plain(row["model"]) for row in rows])


def group_name(group: Sequence[Row]) -> str:
    """Return one name for models that make the same forecast: ``last_touch/markov_1``."""
    return "/".join(plain(row["model"]) for row in group)


def group_names(rows: Sequence[Row]) -> str:
    """Return the names of models as an enumeration, those with the same forecast as one."""
    return enumerate_names([group_name(group) for group in group_by_forecast(rows)])


def is_or_are(rows: Sequence[object]) -> str:
    """Return the verb for one or for several."""
    return "is" if len(rows) == 1 else "are"


def standing(rivals: Sequence[Row]) -> str:
    """Return the state of a comparison in a few words: the best model, or those that stand."""
    ahead = group_by_forecast(leaders(rivals))
    if len(ahead) == 1:
        return f"{model_names(ahead[0])} {is_or_are(ahead[0])} best"
    if ahead:
        return still_standing(rivals)
    if with_verdict(rivals, "too_early"):
        return "too early to say"
    if with_verdict(rivals, "no_better_than_volume"):
        return f"no model is better than {ACTIVITY}"
    return "every model is refuted"


def still_standing(rivals: Sequence[Row]) -> str:
    """Return how many models are not ruled out, with their names if they are few."""
    models = standing_models(rivals)
    names = f" ({group_names(models)})" if len(models) <= MOST_NAMED else ""
    verb = "stands" if len(models) == 1 else "stand"
    return f"{len(models)} of {len(rivals)} still {verb}{names}"


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
