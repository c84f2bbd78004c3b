"""Bootstrap of removal effects: the slope is exact, and intervals are those of full refits."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.models import removal_effects_bootstrap
from lydite.models.removal_effects import absorb
from lydite.models.removal_effects_bootstrap import resampled_effects
from lydite.models.transitions import TransitionCounts
from lydite.paths.landmarks import expand_paths

UNITS = 64


def transition_counts(seed: int, paths: int, channels: int, order: int) -> TransitionCounts:
    """Count paths, of which those that end in every third channel convert more often."""
    rng = np.random.default_rng(seed)
    length = rng.geometric(0.25, paths).clip(1, 20)
    weight = np.arange(channels, 0, -1)
    channel = rng.choice(channels, length.sum(), p=weight / weight.sum())
    last = channel[np.cumsum(length) - 1]
    hit = (rng.random(paths) < 0.1 + 0.2 * (last % 3 == 0)).astype(float)
    touches = expand_paths(channel, length, hit, 1 - hit)
    unit = rng.integers(0, UNITS, paths)[touches.row]
    names = tuple(map(str, range(channels)))
    return TransitionCounts.counted(touches, names, order, unit, UNITS)


def full_refits(counts: TransitionCounts, weights: np.ndarray) -> np.ndarray:
    return np.array([absorb(own).removal_effect for own in counts.resampled(weights)])


def draws(seed: int, replicates: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.multinomial(UNITS, np.full(UNITS, 1 / UNITS), size=replicates).astype(float)


CHAINS = [(2000, 5, 1), (2000, 5, 2), (800, 4, 3), (300, 3, 4)]


@pytest.mark.parametrize(("paths", "channels", "order"), CHAINS)
def test_equal_weights_give_the_fitted_effects(paths, channels, order):
    counts = transition_counts(0, paths, channels, order)
    [effects] = resampled_effects(counts, np.ones((1, UNITS)))
    np.testing.assert_allclose(effects, absorb(counts.total()).removal_effect, atol=1e-7)


@pytest.mark.parametrize(("paths", "channels", "order"), CHAINS)
def test_the_slope_is_that_of_full_refits(paths, channels, order):
    """For small changes of the weights, the remainder of the second order is negligible."""
    counts = transition_counts(1, paths, channels, order)
    moved = 1 + 1e-5 * np.random.default_rng(2).normal(size=(10, UNITS))
    found = resampled_effects(counts, moved) - resampled_effects(counts, np.ones((1, UNITS)))
    expected = full_refits(counts, moved) - full_refits(counts, np.ones((1, UNITS)))
    assert np.abs(expected).max() > 1e-7
    np.testing.assert_allclose(found, expected, atol=2e-3 * np.abs(expected).max())


@pytest.mark.parametrize(("paths", "channels", "order"), CHAINS)
def test_intervals_are_those_of_full_refits(paths, channels, order):
    counts, weights = transition_counts(3, paths, channels, order), draws(4, 1000)
    found, expected = (
        np.quantile(effects, (0.025, 0.975), axis=0)
        for effects in (resampled_effects(counts, weights), full_refits(counts, weights))
    )
    width = expected[1] - expected[0]
    assert (np.abs(found - expected) < 0.1 * width).all()


@pytest.mark.parametrize("order", [1, 3])
def test_solver_and_parts_do_not_change_the_effects(order, monkeypatch):
    counts, weights = transition_counts(5, 500, 4, order), draws(6, 5)
    iterated = resampled_effects(counts, weights)
    monkeypatch.setattr(removal_effects_bootstrap, "_MAX_CELLS", 1)
    np.testing.assert_allclose(resampled_effects(counts, weights), iterated, atol=1e-12)
    monkeypatch.setattr(removal_effects_bootstrap, "_MAX_STEPS", 0)
    np.testing.assert_allclose(resampled_effects(counts, weights), iterated, atol=1e-7)


def test_weights_may_have_single_precision():
    counts, weights = transition_counts(7, 500, 4, 2), draws(8, 30)
    np.testing.assert_allclose(
        resampled_effects(counts, weights.astype(np.float32)), resampled_effects(counts, weights)
    )


def test_without_conversions_no_channel_has_an_effect():
    touches = expand_paths(np.array([0, 1, 1]), np.array([2, 1]), np.zeros(2), np.ones(2))
    counts = TransitionCounts.counted(touches, ("a", "b"), 1, touches.row, 2)
    assert resampled_effects(counts, np.array([[1.0, 1.0], [2.0, 0.0]])).tolist() == [
        [0, 0],
        [0, 0],
    ]


def test_effects_are_between_0_and_1_for_any_draw():
    counts = transition_counts(9, 60, 5, 3)
    weights = np.random.default_rng(10).exponential(1, (500, UNITS)) ** 3
    effects = resampled_effects(counts, weights)
    assert np.isfinite(effects).all()
    assert effects.min() >= 0
    assert effects.max() <= 1


def test_no_draws_give_no_rows():
    assert resampled_effects(transition_counts(11, 50, 3, 1), np.empty((0, UNITS))).shape == (0, 3)
