"""Simulated programmes: markets, true increments and what models credit."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from lydite.simulation._experiments import SimulatedExperiment
from lydite.simulation._market import STOREFRONT
from lydite.simulation.storefront import simulate_storefront
from studies.programmes import MODELS, START, draw_market, run_programme, true_increments

pytest.importorskip("tea_tasting")

EXPERIMENTS = [
    SimulatedExperiment("brand", "paid_search_brand", {"control": 0, "treated": 1}, 14, 1, 28),
    SimulatedExperiment("generic", "paid_search_generic", {"control": 0, "treated": 1}, 14, 1, 21),
    SimulatedExperiment("again", "paid_search_generic", {"control": 0, "treated": 1}, 42, 1, 21),
]
USERS, SEED, WEEKS = 3_000, 4, 10


def test_markets_differ_and_a_seed_gives_the_same():
    markets = [draw_market(np.random.default_rng(seed)) for seed in range(40)]
    sizes = {len(market.channels) for market in markets}
    assert min(sizes) >= 5
    assert max(sizes) <= 12
    assert len(sizes) > 4
    effects = [channel.effect[2] for market in markets for channel in market.channels]
    assert 0.2 < np.mean(np.array(effects) == 0) < 0.5
    assert draw_market(np.random.default_rng(3)) == draw_market(np.random.default_rng(3))
    assert len({market.intent_probability["purchase"] for market in markets}) == 40


@pytest.mark.slow
def test_every_experiment_is_compared_with_every_model():
    programme = run_programme(STOREFRONT, EXPERIMENTS, USERS, SEED, WEEKS)
    assert set(programme.tests) == set(MODELS)
    for tests in programme.tests.values():
        assert [test.channel for test in tests] == [each.channel for each in EXPERIMENTS]
        assert all(test.variance > 0 and test.credited > 0 for test in tests)
    credit = programme.credit.filter(model="last_touch")
    purchases = programme.world.conversions.filter(outcome="purchase").height
    assert 0.5 * purchases < credit["credited"].sum() <= purchases
    assert (credit["variance"] > 0).all()


def test_a_channel_without_effect_causes_nothing():
    world = simulate_storefront(600, SEED, WEEKS, START, EXPERIMENTS, with_effects=False)
    caused = true_increments(STOREFRONT, EXPERIMENTS, world, SEED, WEEKS)
    assert list(caused) == [each.name for each in EXPERIMENTS]
    assert caused["brand"] == 0
    assert caused["generic"] + caused["again"] > 0


@pytest.mark.slow
def test_the_true_increment_is_what_is_measured_on_average():
    """The mean over seeds of measured less true increments is 0; the measured ones scatter."""
    [each] = [EXPERIMENTS[1]]
    differences = []
    for seed in range(30):
        world = simulate_storefront(USERS, seed, WEEKS, START, [each], with_effects=False)
        caused = true_increments(STOREFRONT, [each], world, seed, WEEKS)["generic"]
        arms = world.experiments.select("user_id", "arm")
        bought = (
            world.conversions.filter(outcome="purchase")
            .join(world.experiments, on="user_id")
            .filter(
                (since := pl.col("converted_at") - pl.col("assigned_at")) >= timedelta(),
                since < timedelta(days=21),
            )
            .group_by("arm")
            .len()
        )
        per_arm = dict(bought.rows())
        sizes = dict(arms.group_by("arm").len().rows())
        measured = per_arm["treated"] - per_arm["control"] / sizes["control"] * sizes["treated"]
        differences.append(measured - caused)
    error = np.std(differences) / np.sqrt(len(differences))
    assert abs(np.mean(differences)) < 3 * error
