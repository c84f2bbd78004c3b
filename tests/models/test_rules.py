"""Rules: their features of a path, their fitted rates, and their weights."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.base import clone

from lydite.attribution import touch_credit
from lydite.errors import InputError
from lydite.models import PathChannels, Rule, make_model, make_rule
from tests.helpers.random_landmarks import draw_landmarks, with_paths


def test_paths_with_equal_shares_have_one_feature_row():
    landmarks = draw_landmarks(np.random.default_rng(1), 5000)
    features = make_model("last_touch").encode(landmarks)
    assert len(features) == 4
    np.testing.assert_array_equal(
        features.rows[features.inverse].argmax(axis=1), landmarks.history[:, 0]
    )


@pytest.mark.parametrize("name", ["linear", "first_touch", "last_touch"])
def test_the_numbering_of_channels_does_not_matter(name):
    landmarks = draw_landmarks(np.random.default_rng(2), 4000)
    renumber = np.array([2, 0, 3, 1])
    path = landmarks.paths.path_channels
    order = np.lexsort((renumber[path.channel], path.row))
    other = with_paths(
        landmarks,
        PathChannels(
            path.row[order],
            renumber[path.channel][order],
            path.touches[order],
            {key: values[order] for key, values in path.weights.items()},
        ),
    )
    one = make_model(name).fit(landmarks).forecast(landmarks)
    two = make_model(name).fit(other).forecast(other)
    np.testing.assert_allclose(one, two, rtol=1e-9)


def test_a_true_rule_recovers_the_rates():
    rates = np.array([0.02, 0.1, 0.3, 0.05])
    landmarks = draw_landmarks(np.random.default_rng(3), 200_000, rates=rates)
    model = make_model("last_touch").fit(landmarks)
    np.testing.assert_allclose(model.rates_, rates, atol=4 * np.sqrt(0.3 * 0.7 / 50_000))
    proba = model.predict_proba(landmarks)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    np.testing.assert_allclose(proba[:, 1], model.rates_[landmarks.history[:, 0]], rtol=1e-9)


def test_a_second_fit_with_other_channels_ignores_the_first():
    model = make_model("linear").fit(draw_landmarks(np.random.default_rng(4), 2000, channels=3))
    other = draw_landmarks(np.random.default_rng(5), 2000, channels=5)
    fresh = make_model("linear").fit(other).rates_
    np.testing.assert_allclose(model.fit(other).rates_, fresh, rtol=1e-8)


def path(hours: list[float], channels: str) -> pl.DataFrame:
    """One path: a letter per touch, ``d`` for direct."""
    n = len(hours)
    known = [i + 1 for i, letter in enumerate(channels) if letter != "d"]
    return pl.DataFrame(
        {
            "path": [1] * n,
            "position": range(1, n + 1),
            "path_length": [n] * n,
            "position_from_end": range(n, 0, -1),
            "last_non_direct_position": [max(known, default=None)] * n,
            "hours_before_end": [hours[-1] - h for h in hours],
            "hours_after_start": [h - hours[0] for h in hours],
            "channel": list(channels),
            "campaign": [None] * n,
            "interaction": [None] * n,
        },
        schema_overrides={"last_non_direct_position": pl.Int64},
    )


@pytest.mark.parametrize(
    ("name", "hours", "channels", "expected"),
    [
        ("first_touch", [0, 5, 9], "abc", [1, 0, 0]),
        ("last_touch", [0, 5, 9], "abc", [0, 0, 1]),
        ("last_non_direct", [0, 5, 9], "abd", [0, 1, 0]),
        ("last_non_direct", [0, 5, 9], "adb", [0, 0, 1]),
        ("last_non_direct", [0, 5], "dd", [0, 1]),
        ("linear", [0, 5, 9, 10], "aabc", [0.25] * 4),
        ("position_based", [0], "a", [1]),
        ("position_based", [0, 1], "ab", [0.5, 0.5]),
        ("position_based", [0, 1, 2], "abc", [0.4, 0.2, 0.4]),
        ("position_based", [0, 1, 2, 3], "abcd", [0.4, 0.1, 0.1, 0.4]),
        ("time_decay", [0, 168], "ab", [1 / 3, 2 / 3]),
        ("time_decay", [0, 168, 336], "aba", [1 / 7, 2 / 7, 4 / 7]),
    ],
)
def test_weights_of_hand_made_paths(name, hours, channels, expected):
    np.testing.assert_allclose(touch_credit(make_model(name), path(hours, channels)), expected)


def test_a_rule_needs_no_claim():
    rule = Rule("mine", "1.0 / position")
    assert (rule.claim, rule.expression) == ("what '1.0 / position' weighs", "1.0 / position")
    assert clone(rule).get_params() == rule.get_params()
    assert rule.fingerprint == make_rule("mine", "1.0 / position").fingerprint
    named = Rule("mine", expression="1.0 / position")
    assert named.fingerprint == rule.fingerprint
    assert Rule("mine", "early ones", "1.0 / position").claim == "early ones"
    with pytest.raises(InputError, match="needs an expression"):
        Rule("mine")
