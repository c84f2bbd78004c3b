"""Touches and their weights: times, names and positions are those of the path."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.errors import InputError
from lydite.models import Rule
from lydite.models.base import weight_columns
from lydite.paths import touch_weights
from lydite.paths.path_slices import PathSlices, TouchArrays
from lydite.paths.rule_weights import channels_on
from tests.helpers.random_path_slices import HOUR, NAMES, draw_paths, touches_of


@given(draw_paths(), st.integers(1, 9))
def test_times_are_those_of_the_path_for_any_size_of_query(paths, most):
    rules = [
        Rule("before", "hours", "hours_before_end"),
        Rule("after", "hours", "hours_after_start"),
        Rule("middle", "place", "position * position_from_end + path_length"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(touch_weights, "_MAX_TOUCHES", most)
        found = channels_on(paths, weight_columns(rules))
    for row, touches in enumerate(touches_of(paths)):
        hours, n = paths.touches.at_us[touches] / HOUR, len(touches)
        place = np.arange(1, n + 1)
        weights = {
            "before": hours[-1] - hours,
            "after": hours - hours[0],
            "middle": place * (n - place + 1) + n,
        }
        own = np.flatnonzero(found.row == row)
        for name, expected in weights.items():
            sums = np.bincount(paths.touches.channel[touches], expected, minlength=3)
            np.testing.assert_allclose(
                found.weights[name][own], sums[found.channel[own]], rtol=1e-9, atol=1e-9
            )


def test_campaign_and_interaction_are_those_of_the_touch():
    touches = TouchArrays(
        NAMES,
        np.array([0, 1, 0]),
        campaign=pa.array(["spring", None, "autumn"]),
        interaction=pa.array(["click", "view", "click"]),
    )
    paths = PathSlices(touches, np.array([0, 0]), np.array([3, 2]), np.array([3, 2]))
    rules = [
        Rule("spring", "campaign", "case when campaign = 'spring' then 2 end"),
        Rule("clicks", "kind", "case when interaction = 'click' then 1 end"),
    ]
    found = channels_on(paths, weight_columns(rules))
    assert found.weights["spring"].tolist() == [2, 0, 2, 0]
    assert found.weights["clicks"].tolist() == [2, 0, 1, 0]


def test_a_bad_weight_shows_the_whole_path():
    touches = TouchArrays(NAMES, np.array([0, 1, 2, 2]))
    paths = PathSlices(touches, np.array([2, 0]), np.array([1, 3]), np.array([1, 3]))
    bad = Rule("bad", "nothing", "case when channel = 'direct' then -1 else 1 end")
    with pytest.raises(InputError, match="weight -1.0 to touch 2 of 3 .* path a > direct > c"):
        channels_on(paths, bad.weight_columns)


def test_a_path_table_has_no_hours():
    touches = TouchArrays(NAMES, np.array([0, 1, 2, 0]))
    paths = PathSlices(touches, np.array([0]), np.array([4]), np.array([3]))
    with pytest.raises(ValueError, match="no times"):
        _ = touch_weights.PathTouches(paths).hours_before_end
