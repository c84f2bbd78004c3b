"""Names of models and periods in a sentence."""

from datetime import date

import pytest

from lydite.reporting.display_names import period_name, sentence, standing
from lydite.reporting.queries import rivals_of
from tests.helpers.made_comparisons import (
    ALL_REFUTED,
    BEST,
    CONTENDERS,
    MANY,
    NO_BETTER,
    TOO_EARLY,
    make_comparison,
)


@pytest.mark.parametrize(
    ("rivals", "words"),
    [
        (BEST, "linear is best"),
        (CONTENDERS, "3 of 4 still stand (linear and last_touch/markov_1)"),
        (MANY, "6 of 18 still stand"),
        (TOO_EARLY, "too early to say"),
        (NO_BETTER, "no model is better than activity alone"),
        (ALL_REFUTED, "every model is refuted"),
    ],
)
def test_where_a_comparison_stands(rivals, words):
    assert standing(rivals_of(make_comparison(("purchase", rivals)), "purchase")) == words


def test_two_names_of_one_best_forecast_are_several():
    rivals = (("a", "best", 0.03, None, "b"), ("b", "best", 0.03, None, "a"))
    assert standing(rivals_of(make_comparison(("x", rivals)), "x")) == "a and b are best"


def test_periods_by_their_first_day():
    day = date(2025, 5, 1)
    said = [period_name(period, day) for period in ("day", "week", "month", "period")]
    assert said == [
        "2025-05-01", "the week of 2025-05-01", "the month of 2025-05", "the period of 2025-05-01",
    ]  # fmt: skip


def test_a_text_becomes_a_sentence():
    assert sentence("a lead\n turned") == "A lead turned."
    assert sentence("Why?") == "Why?"
