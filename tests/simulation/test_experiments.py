"""Experiments with users of the storefront: arms, days, and what they change."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest

from lydite import simulate
from lydite.errors import InputError
from lydite.simulation._calendar import Calendar
from lydite.simulation._experiments import EXPERIMENTS, SimulatedExperiment, assign
from lydite.simulation._market import STOREFRONT
from lydite.simulation._random import KeyedRandom
from lydite.simulation.storefront import simulate_storefront

if TYPE_CHECKING:
    from lydite.simulation import World

START = date(2025, 1, 6)
HOLDOUT = SimulatedExperiment(
    "video_holdout", "video", first_day=14, assignment_days=7, window_days=28
)


def simulated(*experiments: SimulatedExperiment) -> World:
    return simulate_storefront(2_000, 5, 10, START, experiments, with_effects=False)


@pytest.fixture(scope="module")
def world() -> World:
    return simulated(HOLDOUT)


def assigned_touches(world: World, channel: str) -> pl.DataFrame:
    """Touches of a channel with arm and day of assignment, and whether they are in the window."""
    assert world.experiments is not None
    joined = world.touchpoints.filter(pl.col("channel") == channel).join(
        world.experiments, on="user_id"
    )
    since = pl.col("touched_at") - pl.col("assigned_at")
    window = timedelta(days=HOLDOUT.window_days)
    return joined.with_columns(inside=(since >= timedelta(0)) & (since < window))


def test_every_user_is_assigned_once_in_equal_arms_over_all_days(world):
    assert world.experiments is not None
    assert world.experiments["user_id"].to_list() == world.users["user_id"].to_list()
    counts = dict(world.experiments["arm"].value_counts().rows())
    assert set(counts) == {"control", "treated"}
    assert 900 < counts["control"] < 1_100
    days = world.experiments["assigned_at"].dt.date().unique().sort().to_list()
    assert days == [START + timedelta(days=14 + day) for day in range(7)]
    assert set(world.experiments["assigned_at"].dt.time()) == {time()}


def test_a_holdout_removes_touches_of_control_in_the_window_only(world):
    touches = assigned_touches(world, "video")
    counts = touches.group_by("arm", "inside").len()
    found = {(arm, inside): number for arm, inside, number in counts.rows()}
    assert ("control", True) not in found
    assert found["control", False] > 100
    assert found["treated", True] > 100


def test_users_outside_control_are_as_without_the_experiment(world):
    assert world.experiments is not None
    treated = world.experiments.filter(pl.col("arm") == "treated")["user_id"].to_list()
    without = simulated()
    for table in ("touchpoints", "conversions"):
        found, expected = (
            getattr(each, table)
            .filter(pl.col("user_id").is_in(treated))
            .drop("touchpoint_id", "conversion_id", strict=False)
            for each in (world, without)
        )
        assert found.equals(expected)


def test_a_better_message_brings_more_touches():
    better = SimulatedExperiment(
        "subject", "email", {"a": 1.0, "b": 2.0}, first_day=14, assignment_days=7, window_days=28
    )
    inside = assigned_touches(simulated(better), "email").filter("inside")
    number = dict(inside["arm"].value_counts().rows())
    assert 1.5 < number["b"] / number["a"] < 2.5


def test_experiments_are_independent_of_each_other():
    random = KeyedRandom(3, np.arange(20_000))
    first, second, _ = (
        assign(each, STOREFRONT, random, Calendar(START, 182)).arm for each in EXPERIMENTS
    )
    assert abs(np.corrcoef(first, second)[0, 1]) < 0.03


def test_the_sample_experiments_are_written_with_the_world(tmp_path):
    world = simulate("storefront", users=60, seed=1, experiments=True)
    world.write(tmp_path)
    written = pl.read_parquet(tmp_path / "experiments.parquet")
    assert written.columns == ["experiment", "user_id", "arm", "assigned_at"]
    assert set(written["experiment"]) == set(world.truth["experiments"])
    assert len(written) == 3 * 60


def test_without_experiments_no_table_is_written(tmp_path):
    simulate("storefront", users=20, weeks=2).write(tmp_path)
    assert not (tmp_path / "experiments.parquet").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"world": "storefront", "weeks": 20}, "at least 25 weeks, not 20"),
        ({"world": "linear"}, "'linear' has no experiments"),
    ],
)
def test_what_cannot_be_simulated_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        simulate(**arguments, users=10, experiments=True)


def test_an_experiment_on_an_unknown_channel_is_refused():
    with pytest.raises(InputError, match="no channel is called 'radio'"):
        simulated(SimulatedExperiment("radio", "radio"))
