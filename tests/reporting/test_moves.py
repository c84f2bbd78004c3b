"""What another model moves, against differences of the credit table."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from lydite.reporting.moves import how_to_test, move, next_tests, other_model
from tests.helpers.made_comparisons import BEST, CONTENDERS, make_comparison
from tests.helpers.made_decisions import DECISION, compare_with_decisions


@pytest.fixture(scope="module")
def comparison():
    return make_comparison(("purchase", CONTENDERS))


def changes(comparison) -> dict[str, float]:
    credit = comparison.marts["channel_credit"].filter(pl.col("channel") != "(unattributed)")
    own, other = (
        dict(credit.filter(pl.col("model") == name).select("channel", "conversions").rows())
        for name in ("linear", "last_touch")
    )
    return {channel: own[channel] - other[channel] for channel in own}


def test_what_moves_is_the_sum_of_what_channels_gain(comparison):
    found, expected = move(comparison, "purchase", "linear", "last_touch"), changes(comparison)
    assert found.conversions == pytest.approx(sum(max(n, 0) for n in expected.values()))
    assert found.value == pytest.approx(60 * found.conversions)
    most = max(expected, key=lambda channel: expected[channel])
    assert found.gaining.startswith(most.replace("_", " "))
    least = min(expected, key=lambda channel: expected[channel])
    assert found.losing.startswith(least.replace("_", " "))


def test_the_range_is_that_of_the_models_still_standing(comparison):
    """Last touch stands itself, and with it nothing moves."""
    found = move(comparison, "purchase", "linear", "last_touch")
    by_markov = move(comparison, "purchase", "markov_1", "last_touch").conversions
    assert found.standing == (0.0, pytest.approx(max(found.conversions, by_markov)))
    assert (
        move(make_comparison(("purchase", BEST)), "purchase", "linear", "last_touch").standing
        is None
    )


def test_a_model_instead_of_itself_moves_nothing(comparison):
    found = move(comparison, "purchase", "linear", "linear")
    assert not found.is_any
    assert found.losing == found.gaining == ""


def test_the_other_model_is_the_one_in_use():
    made = compare_with_decisions(BEST, replace(DECISION, to_model="time_decay"))
    assert other_model(made, "purchase", "linear") == "time_decay"
    assert other_model(made, "purchase", "time_decay") == "last_touch"


def test_the_other_model_is_last_touch_if_possible(comparison):
    assert other_model(comparison, "purchase", "linear") == "last_touch"
    assert other_model(comparison, "purchase", "last_touch") == "linear"
    alone = make_comparison(("purchase", BEST[:1]))
    assert other_model(alone, "purchase", "linear") is None


def test_channels_to_test_are_those_with_spend_on_which_models_disagree_most(comparison):
    found = next_tests(comparison, "purchase", "linear")
    credit = comparison.marts["channel_credit"].filter(
        pl.col("model").is_in(["linear", "last_touch", "markov_1"]), pl.col("cost").is_not_null()
    )
    width = credit.group_by("channel").agg(
        width=pl.col("conversions").max() - pl.col("conversions").min()
    )
    widest = width.sort("width", "channel", descending=[True, False])["channel"][:3].to_list()
    assert [test.channel.lower().replace(" ", "_") for test in found] == widest
    assert all("900 spent, credited with" in test.why for test in found)
    assert how_to_test(found).startswith("Switch branded search off in some regions")


def test_where_one_model_stands_there_is_nothing_to_test():
    assert next_tests(make_comparison(("purchase", BEST)), "purchase", "linear") == []
    assert how_to_test([]) == ""


def test_many_small_changes_name_the_largest_of_them():
    channels = tuple(f"c{n}" for n in range(60))
    full = make_comparison(("purchase", CONTENDERS), channels=channels)
    one, other = {"linear": 0.0, "last_touch": 0.3}, {"linear": 18.0, "last_touch": 0.0}
    extra = pl.when(pl.col("channel") == "c0").then(
        pl.col("model").replace_strict(other, default=0.0)
    )
    credit = full.marts["channel_credit"].with_columns(
        conversions=10 + extra.otherwise(pl.col("model").replace_strict(one, default=0.0))
    )
    comparison = replace(full, marts={**full.marts, "channel_credit": credit})
    found = move(comparison, "purchase", "linear", "last_touch")
    assert found.gaining == "c0 (10 to 28)"
    assert found.losing.endswith("(10 to 10)")
