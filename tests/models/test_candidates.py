"""The choice among ordered candidates."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.models.candidates import best_candidate


class Asked:
    """Values that count how often each of them was asked for."""

    def __init__(self, values):
        self.values = values
        self.numbers = []

    def __call__(self, number):
        self.numbers.append(number)
        return self.values[number]


@st.composite
def one_peak(draw):
    """Draw values that rise strictly to a peak and then fall strictly, and where to start."""
    rise = draw(st.lists(st.floats(0.001, 50), max_size=8))
    fall = draw(st.lists(st.floats(0.001, 50), max_size=8))
    peak = draw(st.floats(-1000, 1000))
    left = [peak - sum(rise[i:]) for i in range(len(rise))]
    right = [peak - sum(fall[: i + 1]) for i in range(len(fall))]
    values = [*left, peak, *right]
    return values, len(rise), draw(st.integers(0, len(values) - 1))


@given(one_peak())
def test_from_anywhere_it_climbs_to_the_only_peak(drawn):
    values, peak, start = drawn
    asked = Asked(values)
    assert best_candidate(asked, len(values), start) == peak
    assert len(asked.numbers) == len(set(asked.numbers))
    # What it passes, and one beyond at either end.
    low, high = min(start, peak) - 1, max(start, peak) + 1
    expected = set(range(max(low, 0), min(high, len(values) - 1) + 1))
    assert set(asked.numbers) == expected


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=12))
def test_without_a_start_it_looks_at_all_once_and_takes_the_first_best(values):
    asked = Asked(values)
    assert best_candidate(asked, len(values), None) == values.index(max(values))
    assert sorted(asked.numbers) == list(range(len(values)))


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=12), st.data())
def test_where_it_stops_no_neighbour_is_higher(values, data):
    asked = Asked(values)
    found = best_candidate(asked, len(values), data.draw(st.integers(0, len(values) - 1)))
    assert values[found] == max(values[max(found - 1, 0) : found + 2])
    assert len(asked.numbers) == len(set(asked.numbers))


@pytest.mark.parametrize("start", [0, 1, 2])
def test_it_stays_where_neighbours_are_as_high(start):
    assert best_candidate(Asked([1.0, 1.0, 1.0]), 3, start) == start


def test_a_second_peak_is_seen_only_without_a_start():
    values = [3.0, 1.0, 2.0, 9.0]
    assert best_candidate(Asked(values), 4, 0) == 0
    assert best_candidate(Asked(values), 4, None) == 3


@pytest.mark.parametrize("start", [None, 0])
def test_one_candidate_is_the_best(start):
    assert best_candidate(Asked([-5.0]), 1, start) == 0
