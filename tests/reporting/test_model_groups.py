"""Groups of models as parts of a sentence."""

from __future__ import annotations

import pytest

from lydite.reporting.model_groups import standing_in_words
from lydite.reporting.queries import rivals_of, standing_models
from tests.helpers.made_comparisons import (
    ALL_REFUTED,
    BEST,
    BEST_OF_PRIMARY,
    CONTENDERS,
    MANY,
    NO_BETTER,
    TOO_EARLY,
    make_comparison,
)


def _said(rivals):
    comparison = make_comparison(("purchase", rivals))
    return standing_in_words(
        standing_models(comparison, "purchase"), rivals_of(comparison, "purchase")
    )


@pytest.mark.parametrize(
    ("rivals", "words"),
    [
        (BEST, "linear is best"),
        (BEST_OF_PRIMARY, "linear is best of the three primary models"),
        (
            CONTENDERS,
            "2 of 2 primary models still stand (linear and last touch / 1-step Markov chain)",
        ),
        (MANY, "6 of 18 still stand"),
        (TOO_EARLY, "too early to say"),
        (NO_BETTER, "no model is better than the baselines"),
        (ALL_REFUTED, "every model is refuted"),
    ],
)
def test_where_a_comparison_stands(rivals, words):
    assert _said(rivals) == words


def test_two_names_of_one_best_forecast_are_several():
    rivals = (("a", "best", 0.03, None, "b"), ("b", "best", 0.03, None, "a"))
    assert _said(rivals) == "a and b are best"
