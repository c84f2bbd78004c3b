"""Groups of models as parts of a sentence: those that stand, those with one forecast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.reporting.display_names import BASELINE_NAMES, model_word, number_name
from lydite.reporting.formats import enumerate_names
from lydite.reporting.queries import (
    Standing,
    group_by_forecast,
    null_model,
    primary_models,
    with_verdict,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.reporting.queries import Row
    from lydite.results import Comparison

#: More segments, or groups of models that are not primary, than these are counted, not named.
MOST_NAMED = 3
#: More groups of models than these are counted in a headline, not named.
MOST_IN_HEADLINE = 4


def null_name(comparison: Comparison, outcome: str) -> str:
    """Return the null hypothesis among all users in words."""
    return BASELINE_NAMES[null_model(comparison, outcome)]


def model_names(rows: Sequence[Row]) -> str:
    """Return the names of models as an enumeration."""
    return enumerate_names([model_word(row["model"]) for row in rows])


def group_name(group: Sequence[Row]) -> str:
    """Return one name for models that make the same forecast: ``last touch / linear``.

    Of more than four the first three are named: ``last touch / linear / time decay / 9 others``.
    """
    names = [model_word(row["model"]) for row in group]
    if len(names) > MOST_NAMED + 1:
        names = [*names[:MOST_NAMED], f"{len(names) - MOST_NAMED} others"]
    return " / ".join(names)


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
