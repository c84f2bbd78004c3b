"""Touch weights of the rules, compared with values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.simulation import _rules as rules
from lydite.simulation._paths import by_channel
from tests.helpers.made_simulation_paths import path


@pytest.mark.parametrize(
    ("weigh", "length", "expected"),
    [
        (rules.first_touch, 3, [1, 0, 0]),
        (rules.last_touch, 3, [0, 0, 1]),
        (rules.linear, 4, [0.25] * 4),
        (rules.position_based, 1, [1]),
        (rules.position_based, 2, [0.5, 0.5]),
        (rules.position_based, 3, [0.4, 0.2, 0.4]),
        (rules.position_based, 4, [0.4, 0.1, 0.1, 0.4]),
        (rules.w_shaped, 1, [1]),
        (rules.w_shaped, 2, [0.5, 0.5]),
        (rules.w_shaped, 3, [1 / 3, 1 / 3, 1 / 3]),
        (rules.w_shaped, 4, [0.3, 0.3, 0.1, 0.3]),
        (rules.w_shaped, 5, [0.3, 0.05, 0.3, 0.05, 0.3]),
        (rules.w_shaped, 6, [0.3, 0.1 / 3, 0.3, 0.1 / 3, 0.1 / 3, 0.3]),
        (rules.w_shaped, 7, [0.3, 0.025, 0.025, 0.3, 0.025, 0.025, 0.3]),
        (rules.time_decay, 1, [1]),
    ],
)
def test_weights(weigh, length, expected):
    weights = weigh(path(*["search"] * length))
    np.testing.assert_allclose(weights[0, :length], expected, rtol=0, atol=1e-15)
    assert not weights[0, length:].any()


def test_time_decay_has_a_half_life_of_seven_days():
    weights = rules.time_decay(path("search", "email", "video", days=(0, 7, 14)))
    np.testing.assert_allclose(weights[0, :3], np.array([1, 2, 4]) / 7)


def test_a_rule_averages_channel_rates_by_weight():
    rates = by_channel(rules.RATES)
    three = path("email", "display", "video")
    assert rules.rule(rules.linear).rate(three)[0] == pytest.approx(
        (rates["email"] + rates["display"] + rates["video"]) / 3
    )
    assert rules.rule(rules.first_touch).rate(three)[0] == rates["email"]
    assert rules.rule(rules.last_touch).rate(three)[0] == rates["video"]
