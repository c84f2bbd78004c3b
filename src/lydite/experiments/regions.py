"""Geo holdouts: difference-in-differences over regions, with randomisation inference."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import stdtrit

from lydite.experiments.fieller import Ratio, fieller

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

#: With fewer regions, too few assignments were possible for a decision.
MIN_REGIONS = 10
_DRAWS = 9_999
_ALL_UP_TO = 20_000
_BISECTIONS = 24
_FURTHEST = 1e6  # of the standard deviation: an effect that is not rejected there never is


@dataclass(frozen=True)
class RegionEffect:
    """What a treatment of regions changed, summed over the treated regions.

    Attributes
    ----------
    regions
        How many regions, of both arms.
    effect, low, high
        The change of the outcome in the treated regions over the whole test, with its interval.
    expected
        What the treated regions would have had without the treatment.
    p_value
        Of no effect in any region: the share of all possible assignments with a difference at least
        as large.
    """

    regions: int
    effect: float
    expected: float
    low: float | None
    high: float | None
    p_value: float | None

    @property
    def decides(self) -> bool:
        """Whether there are enough regions: any effect is rejected at the level asked for."""
        return self.low is not None


def changes(
    daily: NDArray[np.float64], is_test: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return by how much each region changed from the days before the test to the test.

    Parameters
    ----------
    daily : (regions, days) array
        The outcome by region and day.
    is_test : (days,) array
        Which days belong to the test; the others are before it.

    Returns
    -------
    change, expected : (regions,) arrays
        The outcome of the test less what the days before it, scaled to as many days, had; and that.
    """
    before = daily[:, ~is_test].mean(axis=1) * is_test.sum()
    return daily[:, is_test].sum(axis=1) - before, before


def paired_effect(
    treated: NDArray[np.float64],
    control: NDArray[np.float64],
    treated_before: NDArray[np.float64],
    alpha: float,
    seed: int = 0,
) -> RegionEffect:
    """Compare the changes of matched pairs of regions, of which one was drawn for treatment.

    The effect is the sum over pairs of the change of the treated region less that of its partner.
    Under no effect, each pair might as well have been drawn the other way round [1]_: the p-value
    is the share of all draws with a difference at least as large, and the interval holds all
    effects, equal in all pairs, that are not rejected.

    Parameters
    ----------
    treated, control : (pairs,) arrays
        The changes of the two regions of each pair.
    treated_before : (pairs,) array
        What the treated regions had before the test, scaled to its length.
    alpha
        One less the level of the interval.
    seed
        Seeds the draws, where there are too many to try all.

    References
    ----------
    .. [1] Fisher (1935), "The design of experiments"; for geo experiments Chen & Au (2019),
       "Robust causal inference for incremental return on ad spend with randomized paired geo
       experiments".
    """
    pairs = len(treated)
    difference = treated - control
    effect = float(difference.sum())
    expected = float(treated_before.sum() + control.sum())
    if 2 * pairs < MIN_REGIONS:
        return RegionEffect(2 * pairs, effect, expected, None, None, None)
    signs = _signs(pairs, seed)

    def p_value(per_region: float) -> float:
        shifted = difference - per_region
        return _share_as_large(signs @ shifted, float(shifted.sum()))

    low, high = _invert(p_value, effect / pairs, float(np.std(difference)), alpha, pairs)
    return RegionEffect(2 * pairs, effect, expected, low, high, p_value(0.0))


def unpaired_effect(
    treated: NDArray[np.float64],
    control: NDArray[np.float64],
    treated_before: NDArray[np.float64],
    alpha: float,
    seed: int = 0,
) -> RegionEffect:
    """Compare the changes of treated regions with those of the others, without pairs.

    As `paired_effect`; under no effect, any as many regions might have been drawn.
    """
    n = len(treated) + len(control)
    per_region = float(treated.mean() - control.mean())
    effect = per_region * len(treated)
    expected = float(treated_before.sum() + control.mean() * len(treated))
    if n < MIN_REGIONS or min(len(treated), len(control)) < 2:
        return RegionEffect(n, effect, expected, None, None, None)
    both = np.concatenate([treated, control])
    is_drawn = np.arange(n) < len(treated)
    weights = _draws(n, len(treated), seed)

    def p_value(shift: float) -> float:
        shifted = both - shift * is_drawn
        return _share_as_large(
            weights @ shifted, float(shifted[is_drawn].mean() - shifted[~is_drawn].mean())
        )

    low, high = _invert(p_value, per_region, float(np.std(both)), alpha, len(treated))
    return RegionEffect(n, effect, expected, low, high, p_value(0.0))


def return_on_spend(
    value: Sequence[float] | NDArray[np.float64],
    spend: Sequence[float] | NDArray[np.float64],
    alpha: float,
) -> Ratio:
    """Return the value per unit of spend from differences of pairs, with Fieller's interval.

    Parameters
    ----------
    value, spend : (pairs,) arrays
        By how much the value, and the spend, of the treated region changed more than those of its
        partner.
    alpha
        One less the level of the interval.
    """
    y, x = np.asarray(value, dtype=float), np.asarray(spend, dtype=float)
    n = len(y)
    covariance = np.cov(np.vstack([y, x])) * n
    return fieller(
        float(y.sum()), float(x.sum()), float(covariance[0, 0]), float(covariance[1, 1]),
        float(covariance[0, 1]), float(-stdtrit(n - 1, alpha / 2)),
    )  # fmt: skip


def unpaired_return_on_spend(
    value: tuple[NDArray[np.float64], NDArray[np.float64]],
    spend: tuple[NDArray[np.float64], NDArray[np.float64]],
    alpha: float,
) -> Ratio:
    """Return the value per unit of spend from changes of treated and of other regions.

    Parameters
    ----------
    value, spend
        The changes of the treated regions, and those of the others.
    alpha
        One less the level of the interval.
    """
    means, covariance = np.zeros(2), np.zeros((2, 2))
    for sign, y, x in zip((1, -1), value, spend, strict=True):
        means += sign * np.array([y.mean(), x.mean()])
        covariance += np.cov(np.vstack([y, x])) / len(y)
    freedom = min(len(value[0]), len(value[1])) - 1
    return fieller(
        float(means[0]), float(means[1]), float(covariance[0, 0]), float(covariance[1, 1]),
        float(covariance[0, 1]), float(-stdtrit(freedom, alpha / 2)),
    )  # fmt: skip


def _signs(pairs: int, seed: int) -> NDArray[np.float64]:
    """Return all ways to draw one region of each pair, or many random ones, as signs."""
    if 2**pairs <= _ALL_UP_TO:
        return np.array(list(itertools.product((1.0, -1.0), repeat=pairs)))
    signs = np.random.default_rng(seed).choice((1.0, -1.0), (_DRAWS + 1, pairs))
    signs[0] = 1  # the draw that was made is one of them
    return signs


def _draws(regions: int, treated: int, seed: int) -> NDArray[np.float64]:
    """Return all ways to draw regions, or many random ones, as weights of a difference of means."""
    if math.comb(regions, treated) <= _ALL_UP_TO:
        drawn = np.array(list(itertools.combinations(range(regions), treated)))
    else:
        generator = np.random.default_rng(seed)
        drawn = np.argsort(generator.random((_DRAWS + 1, regions)), axis=1)[:, :treated]
        drawn[0] = np.arange(treated)  # the draw that was made is one of them
    weights = np.full((len(drawn), regions), -1.0 / (regions - treated))
    np.put_along_axis(weights, drawn, 1.0 / treated, axis=1)
    return weights


def _share_as_large(statistics: NDArray[np.float64], observed: float) -> float:
    """Return the share of statistics that are at least as large, up to rounding."""
    tolerance = 1e-9 * (np.abs(statistics).max() + abs(observed))
    return float(np.mean(np.abs(statistics) >= abs(observed) - tolerance))


def _invert(
    p_value: Callable[[float], float], estimate: float, scale: float, alpha: float, size: int
) -> tuple[float, float] | tuple[None, None]:
    """Return the smallest and the largest effect that is not rejected, times a size.

    None where no effect is rejected, as with five pairs at 5 %.
    """
    low = _bound(p_value, estimate, -scale, alpha)
    high = _bound(p_value, estimate, scale, alpha)
    return (None, None) if low is None or high is None else (low * size, high * size)


def _bound(
    p_value: Callable[[float], float], estimate: float, step: float, alpha: float
) -> float | None:
    """Return the effect at which the p-value falls to alpha, in the direction of a step."""
    if not step:
        return estimate
    inside, outside = estimate, estimate + step
    while p_value(outside) > alpha:
        if abs(outside - estimate) > _FURTHEST * abs(step):
            return None
        inside, outside = outside, estimate + 2 * (outside - estimate)
    for _ in range(_BISECTIONS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if p_value(middle) > alpha else (inside, middle)
    return outside
