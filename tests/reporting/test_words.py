"""Verdicts in words."""

import pytest
from hand_made import (
    ALL_REFUTED,
    BEST,
    CONTENDERS,
    EVERY_KIND,
    NO_BETTER,
    TOO_EARLY,
    make_comparison,
    make_empty,
    make_path_comparison,
)

from lydite.comparison import Comparison
from lydite.errors import InputError
from lydite.reporting.words import NOT_CAUSE, headline, reasons, verdict_in_words


def _said(rivals, **options):
    comparison = make_comparison(("purchase", rivals), **options)
    return headline(comparison, "purchase"), verdict_in_words(comparison, "purchase")


@pytest.mark.parametrize("rivals", EVERY_KIND.values(), ids=EVERY_KIND)
def test_every_paragraph_names_every_rival_and_the_outcome_and_ends_with_the_caveat(rivals):
    short, full = _said(rivals)
    assert all(model in full for model, *_ in rivals)
    assert "purchase" in short
    assert "purchase" in full
    assert full.startswith(short)
    assert full.endswith(NOT_CAUSE)
    assert "None" not in full
    assert "nan" not in full


def test_one_best_model_with_its_gain_its_share_and_whom_it_refutes():
    short, full = _said(BEST)
    assert short == "linear explains purchase best."
    assert "Of what touch volume leaves unexplained, it explains 3.4%" in full
    assert "2.6% to 4.2%" in full
    assert "76% of what could be explained" in full
    assert "Refuted: markov_2, last_touch, markov_1 and last_non_direct by linear" in full
    assert "position_based by time_decay" in full
    assert "last_touch and markov_1 make the same forecast" in full


def test_several_that_remain_count_the_same_forecast_once():
    short, full = _said(CONTENDERS)
    assert short == "2 models remain for purchase: linear and last_touch/markov_1."
    assert "does not separate them" in full


def test_many_that_remain_are_counted_in_the_headline_and_named_below():
    rivals = tuple((f"m{i}", "contender", 0.03 - i / 1000, None, "") for i in range(5))
    short, full = _said(rivals)
    assert short == "5 models remain for purchase; nothing separates them yet."
    assert "They are m0, m1, m2, m3 and m4" in full
    assert "m0 explains 3.0%" in full
    assert "the last of them, m4, 2.6%" in full


def test_two_names_of_one_best_forecast():
    rivals = (
        ("last_touch", "best", 0.03, None, "markov_1"),
        ("markov_1", "best", 0.03, None, "last_touch"),
    )
    short, full = _said(rivals)
    assert short == "last_touch and markov_1 explain purchase best."
    assert "they explain 3.0%" in full


@pytest.mark.parametrize(
    ("rivals", "words"),
    [
        (TOO_EARLY, "Nothing separated yet"),
        (NO_BETTER, "no better than touch volume"),
        (ALL_REFUTED, "another surely ahead"),
    ],
)
def test_no_leader_is_a_normal_answer(rivals, words):
    assert words in _said(rivals)[1]


def test_an_outcome_without_calendar_says_why():
    short, full = _said((), note="the history is too short: at most 12d would work")
    assert short == "Too little history to judge purchase."
    assert "at most 12d would work." in full


@pytest.mark.parametrize("verdict", ["best", "contender", "too_early"])
def test_bounds_and_shares_that_are_missing_are_left_out(verdict):
    comparison = make_comparison(("purchase", (("linear", verdict, 0.02, None, ""),)))
    frame = comparison.marts["model_comparison"]
    columns = ["explained_low", "explained_high", "share_of_ceiling"]
    bare = frame.with_columns(frame[name].clear(len(frame)) for name in columns)
    comparison = Comparison({"model_comparison": bare}, comparison.outcomes, {})
    full = verdict_in_words(comparison, "purchase")
    assert "2.00%" in full
    assert "bounds" not in full
    assert "–" not in full


@pytest.mark.parametrize("rivals", EVERY_KIND.values(), ids=EVERY_KIND)
def test_a_comparison_on_a_path_table_ends_with_how_it_was_made(rivals):
    why = reasons(make_path_comparison(rivals), "conversion")
    assert why.endswith(
        "by cross-validation over 5 folds of the journeys of a path table; it is not forward in"
        " time."
    )
    assert "cross-validation" not in reasons(make_comparison(("purchase", rivals)), "purchase")


def test_empty_frames_raise_nothing():
    for comparison in (make_empty(), Comparison({}, make_empty().outcomes, {})):
        assert headline(comparison, "purchase") == "No model was compared on purchase."
        assert verdict_in_words(comparison, "purchase").endswith(NOT_CAUSE)


@pytest.mark.parametrize("say", [headline, verdict_in_words])
def test_an_unknown_outcome_names_those_that_exist(say):
    comparison = make_comparison(("purchase", BEST), ("lead", TOO_EARLY))
    with pytest.raises(InputError, match="'purchase', 'lead'"):
        say(comparison, "purchases")
