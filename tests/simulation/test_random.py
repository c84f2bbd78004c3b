"""Keyed random numbers: uniform, independent, and a function of their key only."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from lydite.simulation._random import KeyedRandom

USERS = np.arange(50_000)


@pytest.fixture
def random() -> KeyedRandom:
    return KeyedRandom(4711, USERS)


@pytest.mark.parametrize(
    ("purpose", "step"), [("meet", 0), ("meet", 1), ("meet", -7), ("value", 0)]
)
def test_numbers_are_uniform(random, purpose, step):
    numbers = random.uniform(purpose, step)
    assert numbers.min() > 0
    assert numbers.max() < 1
    assert stats.kstest(numbers, "uniform").pvalue > 1e-4


def test_numbers_of_different_keys_are_independent(random):
    draws = [
        random.uniform("meet", 0),
        random.uniform("meet", 1),
        random.uniform("value", 0),
        KeyedRandom(4712, USERS).uniform("meet", 0),
        np.roll(random.uniform("meet", 0), 1),
    ]
    correlations = np.corrcoef(draws)[np.triu_indices(len(draws), 1)]
    assert np.abs(correlations).max() < 4.5 / np.sqrt(len(USERS))


def test_pairs_of_steps_are_uniform_on_the_square(random):
    cells = np.floor(random.uniform("meet", 3) * 20) * 20 + np.floor(random.uniform("meet", 4) * 20)
    counts = np.bincount(cells.astype(int), minlength=400)
    assert stats.chisquare(counts).pvalue > 1e-4


def test_successive_steps_of_one_user_are_uniform():
    one = KeyedRandom(3, np.array([17]))
    numbers = [one.uniform("online", step)[0] for step in range(5_000)]
    assert stats.kstest(numbers, "uniform").pvalue > 1e-4
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 4.5 / np.sqrt(5_000)


def test_a_draw_depends_only_on_its_key(random):
    some = np.array([5, 40, 41])
    alone = KeyedRandom(4711, some).uniform("meet", 9)
    np.testing.assert_array_equal(alone, random.uniform("meet", 9)[some])
    np.testing.assert_array_equal(alone, random.take(some).uniform("meet", 9))


def test_steps_may_differ_by_user(random):
    steps = np.where(USERS % 2 == 0, 3, -8)
    mixed = random.uniform("meet", steps)
    np.testing.assert_array_equal(mixed[::2], random.uniform("meet", 3)[::2])
    np.testing.assert_array_equal(mixed[1::2], random.uniform("meet", -8)[1::2])


def test_any_integer_is_a_valid_seed():
    for seed in (-1, 0, 2**64 + 5, 10**30):
        assert 0 < KeyedRandom(seed, np.array([0])).uniform("x")[0] < 1


def test_choice_follows_the_probabilities(random):
    cumulative = np.array([0.1, 0.1, 0.7, 1.0])  # the second never
    for table in (cumulative, np.tile(cumulative, (len(USERS), 1))):
        counts = np.bincount(random.choice("channel", table), minlength=4)
        assert counts[1] == 0
        np.testing.assert_allclose(counts / len(USERS), [0.1, 0, 0.6, 0.3], atol=0.01)


def test_exponential_and_normal_distributions(random):
    assert stats.kstest(random.exponential("wait"), "expon").pvalue > 1e-4
    assert stats.kstest(random.normal("value"), "norm").pvalue > 1e-4
    assert abs(random.chance("convert", 0.2).mean() - 0.2) < 0.01
