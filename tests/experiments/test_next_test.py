"""The next test: its value against Monte Carlo, its design against simulated experiments."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from lydite.errors import InputError
from lydite.experiments.candidates import Belief, mix_models
from lydite.experiments.next_test import (
    TABLE,
    consequence,
    expected_value,
    rank_tests,
    to_table,
)
from tests.helpers.made_candidates import SEARCH, sum_clusters


@pytest.mark.parametrize(
    ("mean", "sd", "variance"), [(0.8, 0.3, 0.01), (0.5, 0.3, 0.1), (0.2, 1.0, 0.5), (2, 0.4, 0.2)]
)
def test_the_value_is_that_of_monte_carlo(mean, sd, variance):
    """Draw the truth and a result, decide by the posterior mean, and compare with no test."""
    margin, spend, credited = 50.0, 4000.0, 100.0
    rng = np.random.default_rng(1)
    truth = rng.normal(mean, sd, 1_000_000)
    result = truth + rng.normal(0, math.sqrt(variance), len(truth))
    after = mean + sd**2 / (sd**2 + variance) * (result - mean)
    profit = margin * credited * truth - spend
    with_test = np.where(margin * credited * after >= spend, profit, 0).mean()
    without = max(margin * credited * mean - spend, 0)
    found = expected_value(margin, spend, credited, mean, sd, variance)
    assert found == pytest.approx(with_test - without, abs=12)


def test_a_test_is_worth_most_at_the_break_even_and_nothing_without_doubt():
    def worth(mean=0.8, sd=0.3, variance=0.01, spend=4000.0, margin=50.0):
        return expected_value(margin, spend, 100, mean, sd, variance)

    assert worth() > worth(mean=0.6)
    assert worth() > worth(variance=0.1) > worth(variance=10) > 0
    assert worth(variance=0) == pytest.approx(50 * 100 * 0.3 * stats.norm.pdf(0))
    assert worth(sd=0) == worth(margin=0) == worth(variance=math.inf) == 0
    assert worth(mean=50) == pytest.approx(0, abs=1e-12)


def test_the_most_valuable_test_is_first_and_the_design_is_that_of_most_value():
    sure = replace(SEARCH, channel="sure", beliefs={"linear": Belief(600, 3.0, 0.01)})
    ranked = rank_tests([sure, SEARCH])
    assert [test.candidate.channel for test in ranked] == ["search", "sure"]
    best = ranked[0]
    assert best.design.unit == "user"
    assert best.design.is_feasible
    lost = best.candidate.margin * best.design.conversions_given_up
    assert best.value == pytest.approx(12 * best.value_per_month - lost)
    assert ranked[1].value < 0  # nothing to learn, and conversions are lost
    longer = rank_tests([SEARCH], horizon=24)[0]
    assert longer.value > best.value


def test_regions_are_proposed_where_users_would_take_too_long():
    rare = replace(SEARCH, users=3_000, rate=0.2, regional_noise=0.02)
    [test] = rank_tests([rare], max_weeks=2)
    assert (test.design.unit, test.design.is_feasible) == ("region", True)
    [neither] = rank_tests([replace(rare, regions=4)], max_weeks=2)
    assert (neither.design.unit, neither.design.is_feasible) == ("user", False)
    assert neither.design.weeks > 2


def test_whole_clusters_are_proposed_where_users_belong_together():
    def proposed(clusters, regions=0, **change):
        given = replace(SEARCH, clusters=clusters, regions=regions, **change)
        return rank_tests([given])[0].design

    users = np.full(2_000, 300)
    accounts = sum_clusters(users, np.arange(2_000) % 7, 10)
    design = proposed(accounts)
    assert (design.unit, design.is_feasible) == ("cluster", True)
    assert design.clusters.column == "account_id"
    few = sum_clusters(users[:12], np.arange(12), 10)
    assert proposed(few).unit == "user"
    alike = sum_clusters(users, np.where(np.arange(2_000) < 20, 300, 0), 10)
    assert proposed(alike, regions=40, regional_noise=0.02).unit == "region"
    endless = proposed(alike)
    assert (endless.unit, endless.is_feasible) == ("cluster", False)
    assert endless.clusters.needed > 2_000
    assert endless.holdout_share == 0.5  # which needs the fewest accounts


def test_a_channel_without_spend_is_tested_for_the_expected_effect():
    [test] = rank_tests([replace(SEARCH, spend=0)])
    assert test.candidate.target == pytest.approx(mix_models(SEARCH.beliefs, "linear")[0])
    assert [own.result for own in test.consequences] == [0, 1]


def test_a_channel_that_is_expected_to_do_nothing_cannot_be_tested_in_time():
    idle = replace(SEARCH, spend=0, beliefs={"linear": Belief(600, -0.1, 0.3)}, regions=0)
    [test] = rank_tests([idle])
    assert not test.design.is_feasible
    assert test.design.conversions_given_up == 0


def test_each_result_says_what_it_would_change():
    [test] = rank_tests([SEARCH])
    zero, even, whole = test.consequences
    assert (zero.result, even.result, whole.result) == (0, SEARCH.break_even, 1)
    assert not zero.keep
    assert whole.keep
    assert {own.moved for own in test.consequences} <= {0, SEARCH.spend}
    assert zero.moved != whole.moved
    assert zero.refuted == ("linear", "last_touch")
    assert "linear" not in whole.refuted
    exact = replace(test.design, variance=1e-9)
    assert consequence(SEARCH, exact, test.mean, test.sd, 1.5).refuted == ("linear",)
    nothing = replace(test.design, variance=1e9)
    vague = consequence(SEARCH, nothing, test.mean, test.sd, 0.0)
    assert (vague.refuted, vague.moved) == ((), 0)
    assert vague.expected_factor == pytest.approx(test.mean, abs=1e-6)


def test_channels_without_credit_or_margin_are_left_out():
    assert rank_tests([replace(SEARCH, margin=0)]) == []
    assert rank_tests([replace(SEARCH, beliefs={"linear": Belief(0)})]) == []


def test_the_table_has_a_row_per_test():
    table = to_table(rank_tests([SEARCH, replace(SEARCH, channel="mail", margin=60)]))
    assert table.schema == TABLE
    assert table["rank"].to_list() == [1, 2]
    assert to_table([]).schema == TABLE


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"spend": -1}, "'search': spend is -1"),
        ({"margin": math.nan}, "margin is nan"),
        ({"rate": 0.0}, "a rate between 0 and 1"),
        ({"rate": 1.0}, "a rate between 0 and 1"),
        ({"users": 0}, "needs users"),
        ({"model": "mine"}, "no credit by the model 'mine'"),
        ({"beliefs": {"linear": Belief(-3)}}, "credit by linear is -3"),
        ({"beliefs": {"linear": Belief(3, 0.5, -1)}}, "sd by linear is -1"),
    ],
)
def test_a_wrong_number_is_named(change, words):
    with pytest.raises(InputError, match=words):
        rank_tests([replace(SEARCH, **change)])


def test_spend_moves_to_the_best_return_among_the_other_channels():
    def channel(name, spend, mean):
        beliefs = {"linear": Belief(600, mean, 0.3)}
        return replace(SEARCH, channel=name, spend=spend, beliefs=beliefs)

    # Margin 30 and 600 conversions: break-even at 9,000 / 18,000 = 0.5 and so on.
    candidates = [
        channel("search", 9_000, 0.6),  # returns 1.2 of its spend
        channel("email", 3_000, 0.5),  # 3
        channel("video", 9_000, 0.3),  # 0.6: cut without a test
        channel("free", 0, 0.5),
    ]
    found = {own.candidate.channel: own for own in rank_tests(candidates)}
    assert {name: own.elsewhere for name, own in found.items()} == {
        "search": "email", "email": "search", "video": "email", "free": "email",
    }  # fmt: skip
    assert found["email"].expected_return == pytest.approx(3)
    for name, own in found.items():
        for each in own.consequences:
            to = own.moved_to(each)
            assert (to is None) == (each.moved == 0)
            assert to in {None, name if each.keep else own.elsewhere}
    assert found["video"].moved_to(found["video"].consequences[-1]) == "video"
    [alone] = rank_tests([channel("search", 9_000, 0.6)])
    assert alone.elsewhere is None
