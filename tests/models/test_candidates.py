"""Choosing among candidates: the best is found, and only what is out of reach is given up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.models.candidates import most_likely, out_of_reach

values = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=8)


@given(values, st.integers(0, 9))
def test_the_most_likely_is_chosen_whatever_is_begun_with(likelihoods, first):
    asked, told = [], []

    def fit(number, rival):
        asked.append(number)
        told.append(rival)
        return likelihoods[number]

    chosen = most_likely(len(likelihoods), first, fit)
    assert likelihoods[chosen] == max(likelihoods)
    assert chosen == likelihoods.index(max(likelihoods))
    assert sorted(asked) == list(range(len(likelihoods)))
    if first < len(likelihoods):
        assert asked[0] == first
    highest = np.maximum.accumulate([-np.inf, *(likelihoods[number] for number in asked)])
    assert told == highest[:-1].tolist()


@given(st.lists(st.tuples(st.floats(0.1, 1e6), st.floats(0.4, 2.0)), min_size=1, max_size=6))
def test_what_comes_up_to_the_rival_is_never_given_up(parameters):
    """Of sums of ``k (log x - x)``, which are no parabolas: each is at its best where x is 1."""
    counts, x = np.array(parameters).T
    value, best = float(counts @ (np.log(x) - x)), float(-counts.sum())
    slope, curvature = counts * (1 / x - 1), counts / x**2
    step = slope / curvature
    assert not out_of_reach(value, float(slope @ step), step / x, best)


@pytest.mark.parametrize(("change", "expected"), [(0.1, True), (0.49, True), (0.51, False)])
def test_far_from_the_best_value_nothing_is_given_up(change, expected):
    assert out_of_reach(-100.0, 5.0, np.array([0.01, -change]), -50.0) is expected


def test_a_rival_must_be_further_ahead_than_the_step_promises():
    near = np.array([0.1])
    assert not out_of_reach(-100.0, 5.0, near, -95.0)
    assert not out_of_reach(-100.0, 5.0, near, -94.0)
    assert out_of_reach(-100.0, 5.0, near, -93.9)
    assert not out_of_reach(-100.0, 5.0, near, -np.inf)
