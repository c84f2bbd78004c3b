"""Calendar effects make no model better than the null hypothesis, and do not refute a true one."""

from __future__ import annotations

import pytest

from lydite.evaluation.backtest import backtest_segments
from lydite.evaluation.ceiling import ceiling_scores
from lydite.evaluation.comparison import compare_outcome
from lydite.models import DEFAULT_MODELS, BaseRate, TouchVolume, make_models
from tests.helpers.judged_worlds import SETTINGS, judge_world, split_world
from tests.helpers.random_landmarks import weekly

CALENDARS = ("season", "random_walk", "shocks", "weekday", "sale", "hours")
USERS = 5000
FAST = ("first_touch", "last_touch", "linear", "time_decay", "markov_2", "shapley")
AHEAD = {"best", "contender"}


def ever_ahead(world: str, seed: int, variant: str, names: tuple[str, ...]) -> set[str]:
    """Return the models that were called better than the null hypothesis after any period."""
    _, judged = judge_world(world, USERS, seed, names, variant)
    return {name for name, own in judged.verdicts.items() if AHEAD & {*own.history}}


@pytest.mark.parametrize("seed", [921, 922, 923])
@pytest.mark.parametrize("variant", CALENDARS)
def test_without_channel_effects_no_model_is_better_than_the_null(variant, seed):
    assert ever_ahead("activity", seed, variant, FAST) == set()


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("world", ["activity", "null"])
@pytest.mark.parametrize("variant", CALENDARS)
def test_no_model_at_all_is_better_than_the_null(variant, world, seed):
    assert ever_ahead(world, 930 + seed, variant, DEFAULT_MODELS) == set()


def check_the_truth_stands(world: str, seed: int, variant: str) -> None:
    scores, judged = judge_world(world, USERS, seed, FAST, variant)
    truth = judged.verdicts[world]
    assert truth.verdict in AHEAD
    assert truth.refuted_by is None
    assert "refuted" not in truth.history
    assert truth.gain.low[-1] > 0
    loss = {name: own.log_loss_bits for name, own in scores.items()}
    best = min(loss.values())
    assert loss[world] - best <= truth.gain.radius[-1]


def test_a_true_model_is_a_contender_where_rates_and_channels_change_with_the_season():
    check_the_truth_stands("last_touch", 922, "season")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("variant", CALENDARS)
def test_a_true_model_is_a_contender_whatever_the_calendar(variant, seed):
    check_the_truth_stands("last_touch", 940 + seed, variant)


@pytest.mark.parametrize("variant", ["season", "hours"])
def test_nothing_is_said_to_be_missing_in_a_null_world(variant):
    """The ceiling learns the calendar, and channels along with it."""
    models = make_models(["last_touch", "linear"])
    split = split_world("activity", USERS, 923, models, variant)
    compared = (*models, TouchVolume(), BaseRate())
    scores = {model.name: backtest_segments(model, split) for model in compared}
    scores["ceiling"] = ceiling_scores(models, split)
    calendar = weekly(0, len(split))
    tables = compare_outcome("conversion", models, scores, calendar, SETTINGS.evaluation)
    assert "ceiling" not in set(tables["warnings"]["kind"])
    assert not AHEAD & set(tables["model_comparison"]["verdict"].drop_nulls())
