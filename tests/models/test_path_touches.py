"""Touches on paths, told apart by their order and weighed."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lydite.errors import InputError
from lydite.models import Rule, make_model, path_touches
from lydite.models.path_touches import (
    OwnPaths,
    Stretches,
    Touched,
    channels_met,
    describe_paths,
    distinct_paths,
)

NAMES = ("a", "direct", "c")
HOUR = 3_600_000_000


@st.composite
def stretches(draw):
    """Draw touches, and stretches of them of which some leave touches out."""
    channel = np.array(draw(st.lists(st.integers(0, 2), min_size=1, max_size=30)))
    ends = st.tuples(st.integers(0, len(channel) - 1), st.integers(0, len(channel) - 1))
    some = [sorted(pair) for pair in draw(st.lists(ends, max_size=12))]
    first = np.array([a for a, _ in some], dtype=int)
    length = np.array([b - a + 1 for a, b in some], dtype=int)
    most = draw(st.integers(2, 8))
    at = np.cumsum(draw(st.lists(st.integers(0, 9 * HOUR), min_size=30, max_size=30)))
    return Touched(NAMES, channel, at[: len(channel)]), Stretches(
        first, length, np.minimum(length, most)
    )


def touches_of(paths):
    """Return the numbers of the touches that count on each path."""
    return [
        [first, *range(first + length - kept + 1, first + length)]
        for first, length, kept in zip(paths.first, paths.length, paths.kept, strict=True)
    ]


def channels_of(touched, paths):
    return [tuple(touched.channel[touches].tolist()) for touches in touches_of(paths)]


@given(stretches())
def test_paths_are_alike_where_their_channels_are(drawn):
    touched, paths = drawn
    channels = channels_of(touched, paths)
    path, first = distinct_paths(touched, paths)
    seen = list(dict.fromkeys(channels))
    assert path.tolist() == [seen.index(own) for own in channels]
    assert [channels[row] for row in first] == seen


@settings(deadline=None)
@given(stretches())
def test_paths_are_described_by_their_order(drawn):
    touched, paths = drawn
    models = [make_model("linear"), make_model("last_non_direct"), make_model("w_shaped")]
    described = describe_paths(touched, paths, models).paths
    for row, met in enumerate(channels_of(touched, paths)):
        assert described.history[row].tolist() == [*met[::-1], -1, -1, -1, -1][:4]
        known = [place for place, channel in enumerate(met) if channel != 1]
        last = known[-1] if known else len(met) - 1
        own = described.met.row == row
        assert described.met.channel[own].tolist() == sorted(set(met))
        for place, channel in zip(np.flatnonzero(own), sorted(set(met)), strict=True):
            assert described.met.touches[place] == met.count(channel)
            assert described.met.weights["linear"][place] == met.count(channel)
            assert described.met.weights["last_non_direct"][place] == (met[last] == channel)
    # Three alike, or 0.3 for the first, the middle and the last, and 0.1 for all others together.
    w_shaped = described.met.weights["w_shaped"]
    total = np.bincount(described.met.row, w_shaped, minlength=len(paths))
    expected = np.where(paths.kept > 3, 1.0, paths.kept)
    np.testing.assert_allclose(total, expected, rtol=1e-9)


@settings(deadline=None)
@given(stretches(), st.integers(1, 9))
def test_times_are_those_of_the_path_whatever_is_weighed_at_once(drawn, most):
    touched, paths = drawn
    rules = [
        Rule("before", "hours", "hours_before_end"),
        Rule("after", "hours", "hours_after_start"),
        Rule("middle", "place", "position * position_from_end + path_length"),
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(path_touches, "_MAX_TOUCHES", most)
        found = channels_met(touched, paths, rules)
    for row, touches in enumerate(touches_of(paths)):
        hours, n = touched.at_us[touches] / HOUR, len(touches)
        place = np.arange(1, n + 1)
        weights = {
            "before": hours[-1] - hours,
            "after": hours - hours[0],
            "middle": place * (n - place + 1) + n,
        }
        own = np.flatnonzero(found.row == row)
        for name, expected in weights.items():
            sums = np.bincount(touched.channel[touches], expected, minlength=3)
            np.testing.assert_allclose(
                found.weights[name][own], sums[found.channel[own]], rtol=1e-9, atol=1e-9
            )


@settings(deadline=None)
@given(stretches(), st.integers(1, 9), st.randoms(use_true_random=False))
def test_own_paths_are_weighed_as_paths_are(drawn, most, random):
    touched, paths = drawn
    rules = [
        Rule("before", "hours", "hours_before_end"),
        Rule("both", "hours and place", "position + hours_after_start"),
    ]
    expected = channels_met(touched, paths, rules)
    number, first = distinct_paths(touched, paths)
    described = describe_paths(touched, paths.take(first), [])
    own = OwnPaths(touched, paths, number, described, rules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(path_touches, "_MAX_TOUCHES", most)
        found = own.met(["both", "before"])
    for name in ("row", "channel", "touches"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    for name in ("before", "both"):
        np.testing.assert_allclose(found.weights[name], expected.weights[name], rtol=1e-6)
    assert "before" in own
    assert "other" not in own
    rows = np.array(random.sample(range(len(paths)), len(paths) // 2), dtype=int)
    part = own.take(rows).met(["before"])
    assert list(part.weights) == ["before"]
    whole = expected.matrix(expected.weights["before"], len(paths), 3).toarray()
    np.testing.assert_allclose(
        part.matrix(part.weights["before"], len(rows), 3).toarray(), whole[rows], rtol=1e-6
    )


def test_campaign_and_interaction_are_those_of_the_touch():
    touched = Touched(
        NAMES,
        np.array([0, 1, 0]),
        campaign=pa.array(["spring", None, "autumn"]),
        interaction=pa.array(["click", "view", "click"]),
    )
    paths = Stretches(np.array([0, 0]), np.array([3, 2]), np.array([3, 2]))
    rules = [
        Rule("spring", "campaign", "case when campaign = 'spring' then 2 end"),
        Rule("clicks", "kind", "case when interaction = 'click' then 1 end"),
    ]
    found = channels_met(touched, paths, rules)
    assert found.weights["spring"].tolist() == [2, 0, 2, 0]
    assert found.weights["clicks"].tolist() == [2, 0, 1, 0]


def test_a_bad_weight_shows_the_whole_path():
    touched = Touched(NAMES, np.array([0, 1, 2, 2]))
    paths = Stretches(np.array([2, 0]), np.array([1, 3]), np.array([1, 3]))
    bad = Rule("bad", "nothing", "case when channel = 'direct' then -1 else 1 end")
    with pytest.raises(InputError, match="weight -1.0 to touch 2 of 3 .* path a > direct > c"):
        channels_met(touched, paths, [bad])
