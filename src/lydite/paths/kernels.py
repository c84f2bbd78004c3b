"""Loops over the touches of paths, compiled by numba: numpy needs several passes for each.

A kernel checks no bounds. `PathSlices` and `TouchArrays` check theirs when they are built: a path
lies within the touches, and each channel has a name.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from lydite.paths.path_slices import PathSlices

_Kernel = TypeVar("_Kernel", bound="Callable[..., Any]")

_US_PER_HOUR = 3.6e9


def compiled(kernel: _Kernel) -> _Kernel:
    """Compile a loop over arrays at its first call; it releases Python's global lock.

    Machine code is cached next to the file, or in the user's cache directory. Where neither can be
    written, each process compiles again, which takes some seconds in all.
    """
    compile_kernel = partial(numba.njit, nogil=True, error_model="numpy")
    try:
        return cast("_Kernel", compile_kernel(cache=True)(kernel))
    except RuntimeError:  # no directory for the cache
        return cast("_Kernel", compile_kernel()(kernel))


def hours_before_end(paths: PathSlices) -> NDArray[np.float64]:
    """Return the hours from each touch that counts to the end of its path, path after path.

    Raises
    ------
    ValueError
        When the touches have no times.
    """
    if paths.touches.at_us is None:
        raise ValueError("the touches of a path table have no times")
    hours = np.empty(int(paths.kept.sum()))
    _hours_before_end(paths.first, paths.length, paths.kept, paths.touches.at_us, hours)
    return hours


@compiled
def _hours_before_end(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    kept: NDArray[np.integer],
    at_us: NDArray[np.int64],
    hours: NDArray[np.float64],
) -> None:
    row = 0
    for path in range(len(kept)):
        last = first[path] + length[path] - 1
        for back in range(kept[path] - 1, -1, -1):
            touch = last - back if back < kept[path] - 1 else first[path]
            hours[row] = (at_us[last] - at_us[touch]) / _US_PER_HOUR
            row += 1


def weighted_sums(
    paths: PathSlices, weights: NDArray[np.float64], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sum of weights on each path, and of weights times the values of channels.

    Parameters
    ----------
    paths
        p paths.
    weights : (touches,) array
        Of the touches that count, path after path.
    values : (channels,) array

    Returns
    -------
    Two (p,) arrays.

    Raises
    ------
    ValueError
        When there is not one weight per touch, and one value per channel.
    """
    if len(weights) != paths.kept.sum() or len(values) != len(paths.touches.channels):
        raise ValueError("there is one weight per touch, and one value per channel")
    sums = np.empty((2, len(paths)))
    channel = paths.touches.channel
    _weighted_sums(paths.first, paths.length, paths.kept, channel, weights, values, *sums)
    return sums[0], sums[1]


@compiled
def _weighted_sums(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    kept: NDArray[np.integer],
    channel: NDArray[np.integer],
    weight: NDArray[np.float64],
    values: NDArray[np.float64],
    sum_of_weights: NDArray[np.float64],
    sum_of_products: NDArray[np.float64],
) -> None:
    row = 0
    for path in range(len(kept)):
        last, total, product = first[path] + length[path] - 1, 0.0, 0.0
        for back in range(kept[path] - 1, -1, -1):
            touch = last - back if back < kept[path] - 1 else first[path]
            total += weight[row]
            product += weight[row] * values[channel[touch]]
            row += 1
        sum_of_weights[path], sum_of_products[path] = total, product


def group_sums(
    group: NDArray[np.integer], values: NDArray[np.number] | NDArray[np.bool_], groups: int
) -> NDArray[np.float64]:
    """Return the (groups,) sums of the values of each group.

    Parameters
    ----------
    group : (n,) integers, from 0 and below `groups`
    values : (n,) array
    groups
        The number of groups.

    Raises
    ------
    ValueError
        When there is not one value per row, or a group is out of range.

    Examples
    --------
    >>> group_sums(np.array([0, 2, 0]), np.array([1.0, 2.0, 3.0]), 3)
    array([4., 0., 2.])
    """
    if len(group) != len(values) or (len(group) and not 0 <= group.min() <= group.max() < groups):
        raise ValueError(f"there is one value per row, and groups are from 0 to {groups - 1}")
    sums = np.zeros(groups)
    _add_to_groups(group, np.asarray(values, dtype=np.float64), sums)
    return sums


@compiled
def _add_to_groups(
    group: NDArray[np.integer], values: NDArray[np.float64], sums: NDArray[np.float64]
) -> None:
    for row in range(len(group)):
        sums[group[row]] += values[row]


@compiled
def add_scores(
    log_odds: NDArray[np.float64],
    odds: NDArray[np.float64],
    surprise: NDArray[np.float64],
    period: NDArray[np.integer],
    bucket: NDArray[np.integer],
    converted: NDArray[np.bool_],
    count: NDArray[np.floating] | None,
    bins_per_unit: float,
    losses: NDArray[np.float64],
    grid: NDArray[np.float64],
) -> None:
    """Add log losses in nats and squared errors by period and bucket, and forecasts to a grid.

    Parameters
    ----------
    log_odds : (n,) array
        Forecasts.
    odds, surprise : (n,) arrays
        ``exp(-abs(log_odds))`` and ``log(1 + odds)``, which numpy computes faster than a loop.
    period, bucket : (n,) integers
        At least 0 and below the first two lengths of `losses`.
    converted : (n,) bool
    count : (n,) array
        The number of landmarks that each row stands for; None where that is 1 for all.
    bins_per_unit
        Bins of the grid per unit of the log-odds; 0 is in the middle of the grid. Forecasts beyond
        an end are in the last bin there.
    losses : (periods, buckets, 2) array
        Log loss and squared error, added to in place.
    grid : (periods, bins, 3) array
        Landmarks, conversions and forecasts, added to in place.
    """
    bins = grid.shape[1]
    end = bins / (2 * bins_per_unit)
    for row in range(len(log_odds)):
        score, hit, when = log_odds[row], converted[row], period[row]
        n = 1.0 if count is None else count[row]
        likelier = 1 / (1 + odds[row])
        forecast = odds[row] * likelier if score < 0 else likelier
        missed = max(-score if hit else score, 0.0)
        losses[when, bucket[row], 0] += n * (surprise[row] + missed)
        losses[when, bucket[row], 1] += n * (forecast - hit) ** 2
        place = int(min(max((score + end) * bins_per_unit, 0.0), bins - 1.0))
        grid[when, place, 0] += n
        grid[when, place, 1] += n * hit
        grid[when, place, 2] += n * forecast


@compiled
def add_exposures(
    starts: NDArray[np.integer],
    channel: NDArray[np.integer],
    strengths: tuple[NDArray[np.float64], ...],
    fading_hours: tuple[NDArray[np.float64], ...],
    trials: NDArray[np.floating],
    exposures: NDArray[np.float64],
) -> None:
    """Add the exposure of each channel's hazard, for each half-life, over observed intervals.

    Parameters
    ----------
    starts : (n + 1,) integers
        Where the entries of each interval start, the number of entries at the end.
    channel : (entries,) integers
        At least 0 and below the number of channels.
    strengths
        For each half-life the (entries,) remaining strength of the channel's touches.
    fading_hours
        For each half-life the (n,) hours at full strength that each interval amounts to.
    trials : (n,) array
        How often each interval was observed.
    exposures : (half-lives, channels) array
        Added to in place.
    """
    hours = np.empty(len(strengths))
    for row in range(len(trials)):
        if trials[row] > 0:
            for number in range(len(hours)):
                hours[number] = trials[row] * fading_hours[number][row]
            for entry in range(starts[row], starts[row + 1]):
                for number in range(len(hours)):
                    exposures[number, channel[entry]] += strengths[number][entry] * hours[number]
