"""Paths: positions, ages and last channels of their touches."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.simulation._paths import CHANNELS, by_channel
from tests.helpers.made_simulation_paths import DAY, path


def test_positions_and_ages_end_at_the_length():
    three = path("email", "video", "search", days=(1, 2.5, 6))
    assert three.present.tolist() == [[True] * 3 + [False] * 5]
    assert three.age.tolist() == [[5 * DAY, 3.5 * DAY, 0] + [0] * 5]
    assert three.at(np.array([2])).tolist() == [[False, True] + [False] * 6]


def test_from_end_counts_back_from_the_last_touch():
    two = path("email", "video")
    found = [two.from_end(back)[0] for back in range(3)]
    assert found == [CHANNELS.index("video"), CHANNELS.index("email"), len(CHANNELS)]


def test_by_channel_names_every_number():
    assert by_channel(range(8))["email"] == 3
    with pytest.raises(ValueError, match="shorter"):
        by_channel([1.0])
