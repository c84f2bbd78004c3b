"""The landmarks in the windows of an experiment, and their paths without the channel."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from lydite.attribution import channel_names
from lydite.evaluation.sample import load_sample
from lydite.experiments import tables
from lydite.experiments.window_paths import load_window_paths
from tests.helpers.small_holdout import START, read_world, settings_of

AT = START + timedelta(days=10)
TOUCHES = [  # hours since the assignment
    ("a", -30, "email"), ("a", -10, "tv"), ("a", 5, "tv"), ("a", 20, "email"), ("a", 30, "search"),
    ("a", 40, "email"), ("a", 50, "tv"), ("a", 24 * 8, "email"), ("b", 3, "tv"), ("c", 1, "email"),
    ("end", 24 * 30, "tv"),
]  # fmt: skip
ORDERS = [("a", 31, "purchase"), ("b", 4, "purchase"), ("end", 24 * 30, "purchase")]


def at(hours):
    return AT + timedelta(hours=hours)


@pytest.fixture(scope="module")
def loaded():
    sources = {
        "touchpoints": pl.DataFrame(
            [(user, at(hours), channel) for user, hours, channel in TOUCHES],
            ["user_id", "touched_at", "channel"], orient="row",
        ),
        "conversions": pl.DataFrame(
            [(user, at(hours), outcome) for user, hours, outcome in ORDERS],
            ["user_id", "converted_at", "outcome"], orient="row",
        ),
        "experiments": pl.DataFrame(
            [("email", user, "control" if user == "b" else "treated", AT) for user in "abcd"],
            ["experiment", "user_id", "arm", "assigned_at"], orient="row",
        ),
    }  # fmt: skip
    settings = settings_of(["linear", "time_decay"], users=4, after_conversion="continue")
    with read_world(sources, settings) as (engine, models):
        tables.build_tables(engine, settings.experiments)
        tables.build_journey_persons(engine)
        sample = load_sample(engine, "purchase", channel_names(engine), models)
        direct = np.zeros(len(sample.channels), dtype=bool)
        return load_window_paths(
            engine, "email", "purchase", ["d", "c", "b", "a"], sample, models, direct
        )


def test_landmarks_are_touches_in_the_window_from_the_first_touch_of_the_channel_on(loaded):
    landmarks = loaded.landmarks
    # User c is number 1 and a is number 3. Neither b nor d has a touch of the channel.
    order = np.argsort(landmarks.user, kind="stable")
    assert landmarks.user[order].tolist() == [1, 3, 3, 3, 3]
    assert landmarks.is_removed[order].tolist() == [True, True, False, True, False]
    assert landmarks.converted[order].tolist() == [False, False, True, False, False]


def test_paths_without_the_channel_keep_its_touches_from_before_the_assignment(loaded):
    paths = loaded.with_channel.paths.path_channels, loaded.without_channel.paths.path_channels
    names = loaded.with_channel.channels
    touches = [
        {
            (loaded_paths.happened_at[i], names[channel]): int(count)
            for i, path in enumerate(loaded_paths.path)
            for row, channel, count in zip(own.row, own.channel, own.touches, strict=True)
            if row == path
        }
        for loaded_paths, own in zip(
            (loaded.with_channel, loaded.without_channel), paths, strict=True
        )
    ]
    search, tv = np.datetime64(at(30), "us"), np.datetime64(at(50), "us")
    assert touches[0][search, "email"] == 2
    assert touches[1] == {
        (search, "email"): 1, (search, "tv"): 2, (search, "search"): 1,
        (tv, "email"): 1, (tv, "tv"): 3, (tv, "search"): 1,
    }  # fmt: skip


def test_the_other_touches_keep_their_times(loaded):
    without = loaded.without_channel
    np.testing.assert_allclose(without.hours_since_previous, [25, 20])
    np.testing.assert_allclose(without.hours_since_first, [60, 80])
    np.testing.assert_allclose(loaded.with_channel.hours_since_previous[3], 10)


def test_a_conversion_after_the_end_of_the_window_is_left_out_by_its_share(loaded):
    assert loaded.landmarks.in_window.min() >= 0
    assert loaded.landmarks.in_window.max() <= 1
