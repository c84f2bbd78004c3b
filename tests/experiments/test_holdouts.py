"""The holdouts that models are compared with."""

from __future__ import annotations

import polars as pl
import pytest

from lydite.experiments import tables
from lydite.experiments.holdouts import is_holdout, load_holdouts
from lydite.settings import ExperimentSettings
from tests.experiments.conftest import plan_of
from tests.helpers.small_holdout import read_world, settings_of, small_world

pytest.importorskip("tea_tasting")


def load(sources, settings):
    with read_world(sources, settings) as (engine, _):
        tables.build_tables(engine, settings.experiments)
        tables.build_journey_persons(engine)
        buckets = dict(engine.rows("select user_id, bucket from journeys.users"))
        return list(load_holdouts(engine, settings.experiments)), buckets


def test_users_are_in_the_buckets_of_their_journeys_also_without_any():
    world = small_world(users=100, assigned=100)
    gone = world["experiments"]["user_id"][0]
    sources = {
        **world,
        "touchpoints": world["touchpoints"].filter(pl.col("user_id") != gone),
        "conversions": world["conversions"].filter(pl.col("user_id") != gone),
    }
    [found], buckets = load(sources, settings_of(["linear"], users=100))
    before = load(world, settings_of(["linear"], users=100))[1]
    assert gone not in buckets
    of_persons = dict(zip(found.persons, found.bucket, strict=True))
    assert of_persons == {user: before[user] for user in found.persons}
    assert (found.is_over, found.keys["users"]) == (True, 100)


def test_a_holdout_that_goes_on_has_the_users_whose_windows_are_over():
    [found], _ = load(small_world(users=60, assigned=60), settings_of(["linear"], users=500))
    assert not found.is_over
    assert len(found.persons) == 60


def test_a_holdout_with_a_failed_check_is_left_out():
    world = small_world(users=400, assigned=400)
    uneven = world["experiments"].filter(
        (pl.col("arm") == "treated") | (pl.col("user_id").str.ends_with("0"))
    )
    found, _ = load({**world, "experiments": uneven}, settings_of(["linear"], users=150))
    assert found == []


def test_messages_and_regions_are_no_holdouts():
    regions = ExperimentSettings(
        unit="region", channel="tv", arms={"control": ["x"], "treated": ["y"]}, hypothesis="-",
        outcome="purchase", start="2026-03-01", end="2026-04-01",
    )  # fmt: skip
    assert is_holdout(plan_of())
    assert not is_holdout(plan_of(varies="message"))
    assert not is_holdout(regions)
