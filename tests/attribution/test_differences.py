"""Differences of credit between models, with intervals from the same draws."""

from __future__ import annotations

import numpy as np

from lydite.attribution.bootstrap import Replicates
from lydite.attribution.differences import SCHEMA, credit_differences

CHANNELS = ["a", "b"]


def replicates(conversions: np.ndarray) -> Replicates:
    return Replicates(conversions, 10 * conversions)


def credited(*conversions: float) -> tuple[np.ndarray, np.ndarray]:
    return np.array(conversions), 10 * np.array(conversions)


def test_the_interval_is_that_of_the_difference_in_each_draw():
    rng = np.random.default_rng(0)
    drawn = rng.normal(100, 20, (200, 2))
    found = credit_differences(
        CHANNELS,
        {"last_touch": credited(100, 100), "linear": credited(105, 95)},
        {"last_touch": replicates(drawn), "linear": replicates(drawn + np.array([5, -5]))},
    )
    assert found.select("model", "reference", "channel").rows() == [
        ("linear", "last_touch", "a"), ("linear", "last_touch", "b"),
    ]  # fmt: skip
    assert found["conversions"].to_list() == [5, -5]
    # Both models vary by 20, and their difference not at all.
    for bound in ("conversions_low", "conversions_high"):
        np.testing.assert_allclose(found[bound], [5, -5])
    np.testing.assert_allclose(found["value"], [50, -50])
    np.testing.assert_allclose(found["share"], [0.025, -0.025])


def test_nothing_is_compared_without_the_reference():
    one = {"linear": credited(1, 2)}, {"linear": replicates(np.ones((200, 2)))}
    found = credit_differences(CHANNELS, *one)
    assert found.is_empty()
    assert found.schema == SCHEMA
