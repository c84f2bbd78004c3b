"""Worlds with known truth: the true hypothesis wins, and without one no model wins."""

from __future__ import annotations

from functools import cache

import pytest

from tests.helpers.judged_worlds import judge_world

# Other seeds than those of the sample data.
WORLDS = {
    "first_touch": 911, "last_touch": 912, "linear": 913, "position_based": 914,
    "time_decay": 915, "markov_2": 916,
}  # fmt: skip
NOTHING = {"null": 917, "activity": 918}


@cache
def judged(world: str, seed: int):
    """Judge all models in a world."""
    scores, found = judge_world(world, 20_000, seed)
    return scores, found.verdicts


@pytest.mark.parametrize("world", WORLDS)
def test_the_true_model_wins_and_a_false_one_is_refuted(world):
    scores, verdicts = judged(world, WORLDS[world])
    loss = {name: own.log_loss_bits for name, own in scores.items()}
    truth, best = verdicts[world], min(loss, key=loss.__getitem__)
    # The lowest loss, or behind by less than the width of its interval.
    assert loss[world] - loss[best] <= truth.gain.radius[-1] if best != world else True
    assert truth.verdict in ("best", "contender")
    assert truth.refuted_by is None
    assert "refuted" in {own.verdict for own in verdicts.values()}
    for name, own in verdicts.items():
        assert own.verdict != "best" or name == world or name in truth.same_forecast_as


@pytest.mark.parametrize("world", NOTHING)
def test_without_channel_effects_no_model_is_better_than_volume(world):
    _, verdicts = judged(world, NOTHING[world])
    assert {own.verdict for own in verdicts.values()} <= {
        "too_early", "no_better_than_volume", "refuted"
    }  # fmt: skip
    assert all(own.gain.low[-1] <= 0 for own in verdicts.values())


@pytest.mark.parametrize("world", [*WORLDS, "activity"])
def test_last_touch_and_markov_1_are_reported_as_the_same_forecast(world):
    _, verdicts = judged(world, (WORLDS | NOTHING)[world])
    assert verdicts["last_touch"].verdict == verdicts["markov_1"].verdict
    if world in WORLDS:
        assert "markov_1" in verdicts["last_touch"].same_forecast_as
