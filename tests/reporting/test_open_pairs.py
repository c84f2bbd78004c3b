"""Undecided pairs and the data that they need."""

import polars as pl
import pytest

from lydite.reporting.open_pairs import NEVER, data_needed, open_pairs, pair_rows
from lydite.results import Comparison
from tests.helpers.made_comparisons import (
    BEST,
    CONTENDERS,
    NO_BETTER,
    SEGMENTS,
    TOO_EARLY,
    make_comparison,
    make_empty,
    make_path_comparison,
)

_THREE = tuple((f"m{i}", "contender", 0.03 - i / 1000, None, "") for i in range(3))
_LEADER = (
    ("linear", "contender", 0.034, None, ""),
    ("time_decay", "too_early", 0.029, None, ""),
    ("last_touch", "refuted", 0.012, "linear", ""),
    ("first_touch", "no_better_than_volume", 0.001, None, ""),
)
_EARLY = tuple((f"m{i}", "too_early", 0.03 - i / 1000, None, "") for i in range(5))


def _said(rivals, projections=None):
    comparison = make_comparison(("purchase", rivals), projections=projections)
    return data_needed(comparison, "purchase")


def test_one_open_pair_with_the_data_needed():
    assert _said(CONTENDERS, {("linear", "last_touch"): (110, 28_488)}) == (
        "Data needed to decide between linear and last touch / 1-step Markov chain: about 110"
        " more weeks, or 28,000 more users, at the present rate."
    )
    assert _said(CONTENDERS, {("linear", "last_touch"): None}) == (
        "Linear and last touch / 1-step Markov chain cannot be separated with any realistic amount"
        " of data."
    )


def test_of_several_open_pairs_the_one_that_needs_least():
    assert _said(_THREE, {("m0", "m2"): (12, 3_456), ("m1", "m2"): None}) == (
        "Data needed to decide between m0 and m2: about 12 more weeks, or 3,500 more users, at the"
        " present rate. 2 other undecided pairs need at least as much."
    )
    rivals = (_THREE[0], *_EARLY[1:3])
    assert _said(rivals, {("m0", "m1"): (9, 80)}).endswith(
        "Another undecided pair needs at least as much."
    )


def test_pairs_that_no_realistic_amount_of_data_decides():
    never = {(f"m{i}", f"m{j}"): None for i in range(5) for j in range(5)}
    never |= {(f"m{i}", "touch_volume"): None for i in range(5)}
    end = "with any realistic amount of data."
    assert _said(_THREE, never) == f"The leading models cannot be separated {end}"
    assert _said((_THREE[0], *_EARLY[1:3]), never) == f"m1 and m2 cannot be separated from m0 {end}"
    assert _said((_THREE[0], *_EARLY[1:]), never) == f"4 models cannot be separated from m0 {end}"
    assert _said(_EARLY, never) == f"5 models cannot be separated from activity alone {end}"


def test_with_one_leader_the_open_pairs_are_with_that_leader():
    assert _said(BEST) == ""
    assert "to decide between linear and time decay: about" in _said(_LEADER)


def test_pairs_of_primary_models_come_before_others():
    rivals = (
        ("shapley", "contender", 0.035, None, ""),
        ("first_touch", "contender", 0.034, None, ""),
        ("linear", "contender", 0.030, None, ""),
        ("time_decay", "too_early", 0.029, None, ""),
    )
    comparison = make_comparison(("purchase", rivals))
    first, *_ = open_pairs(comparison, "purchase")
    assert (first.ahead, first.behind) == ("linear", "time decay")
    assert "to decide between linear and time decay: about" in _said(rivals)


def test_pairs_with_a_constant_rate_name_it():
    comparison = make_comparison(("purchase", TOO_EARLY))
    pairs = comparison.marts["pairs"].with_columns(
        pl.col("behind").replace("touch_volume", "base_rate")
    )
    other = Comparison({**comparison.marts, "pairs": pairs}, comparison.outcomes, {})
    assert "between linear and a constant rate" in data_needed(other, "purchase")


def test_without_a_leader_the_open_pairs_are_with_activity_alone():
    assert "to decide between linear and activity alone: about" in _said(TOO_EARLY)
    assert _said(NO_BETTER) == ""


def test_pairs_come_by_importance_then_by_the_data_needed():
    rivals = (*_THREE[:2], *_EARLY[2:4])
    comparison = make_comparison(("purchase", rivals), projections={("m1", "m3"): (1, 20)})
    pairs = open_pairs(comparison, "purchase")
    assert [pair.importance for pair in pairs] == [0, 1, 1, 1, 1, 2, 2, 3]
    assert (pairs[1].ahead, pairs[1].behind) == ("m1", "m3")


def test_only_undecided_pairs_of_all_users_are_open():
    comparison = make_comparison(("purchase", _LEADER), segments=SEGMENTS)
    lines, more = pair_rows(comparison, "purchase", 12)
    assert [line.pair for line in lines] == [
        "Linear and time decay",
        "Time decay and activity alone",
    ]
    assert more == 0


def test_rows_say_which_model_is_ahead_by_how_much_and_the_data_needed():
    projections = {("m0", "m1"): (110, 28_488), ("m0", "m2"): None}
    comparison = make_comparison(("purchase", _THREE), projections=projections)
    lines, more = pair_rows(comparison, "purchase", 2)
    assert more == 1
    first = lines[0]
    assert (first.ahead, first.lead, first.bounds) == ("m0", "0.1%", "−0.5% to 0.7%")
    assert first.data_needed == "110 more weeks, or 28,000 more users"
    last = pair_rows(comparison, "purchase", 3)[0][-1]
    assert last.data_needed == NEVER


def test_an_empty_lead_has_no_leader():
    even = tuple((model, verdict, 0.03, None, "") for model, verdict, *_ in _THREE)
    lines, _ = pair_rows(make_comparison(("purchase", even)), "purchase", 12)
    assert {line.ahead for line in lines} == {"neither"}


def test_a_path_table_needs_journeys():
    said = data_needed(make_path_comparison(CONTENDERS), "conversion")
    assert said == (
        "Data needed to decide between linear and last touch / 1-step Markov chain: about 2.5"
        " times as many journeys."
    )


@pytest.mark.parametrize(
    ("lost", "words"),
    [
        (["more_users"], ": about 100 more weeks, at the present rate."),
        (["projection"], ": about 150,000 more landmarks, or 28,000 more users"),
        (["projection", "more_landmarks"], ""),
        (["separated"], ""),
    ],
)
def test_unknown_numbers_are_left_out(lost, words):
    full = make_comparison(("purchase", CONTENDERS))
    pairs = full.marts["pairs"].drop(lost)
    bare = Comparison({**full.marts, "pairs": pairs}, full.outcomes, {})
    said = data_needed(bare, "purchase")
    assert words in said
    assert bool(said) == bool(words)


def test_no_sentence_without_open_pairs():
    full = make_comparison()
    closed = full.marts["pairs"].with_columns(separated=pl.lit(value=True))
    for marts in ({**full.marts, "pairs": closed}, {}):
        comparison = Comparison(marts, full.outcomes, {})
        assert data_needed(comparison, "purchase") == ""
        assert pair_rows(comparison, "purchase", 12) == ([], 0)
    assert data_needed(make_empty(), "purchase") == ""
