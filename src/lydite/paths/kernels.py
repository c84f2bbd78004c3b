"""Loops over the touches of paths, compiled by numba: numpy needs several passes for each.

A kernel checks no bounds. `PathSlices` and `TouchArrays` check theirs when they are built: a path
lies within the touches, and each channel has a name.
"""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any, TypeVar, cast

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
    written, each process compiles again, which takes some seconds in all. numba is imported at the
    first call too: some commands need no kernel.
    """
    lock = threading.Lock()
    machine_code: list[Callable[..., Any]] = []

    @functools.wraps(kernel)
    def run(*arguments: object) -> object:
        if not machine_code:
            with lock:
                if not machine_code:
                    machine_code.append(_compile(kernel))
        return machine_code[0](*arguments)

    return cast("_Kernel", run)


def _compile(kernel: _Kernel) -> _Kernel:
    import numba  # noqa: PLC0415

    compile_kernel = functools.partial(numba.njit, nogil=True, error_model="numpy")
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


def add_counts(
    landmarks: NDArray[np.integer],
    sign: float,
    row: NDArray[np.integer],
    converted: NDArray[np.bool_],
    count: NDArray[np.floating],
    trials: NDArray[np.float64],
    conversions: NDArray[np.float64],
) -> None:
    """Add some landmarks to the counts of their rows, or take them off.

    Parameters
    ----------
    landmarks : (m,) integers
        Which of n landmarks, from 0 and below n.
    sign
        1 to add them, -1 to take them off.
    row : (n,) integers
        The row of each landmark, from 0 and below the number of rows.
    converted, count : (n,) arrays
        Whether each landmark converts, and how many it stands for.
    trials, conversions : (rows,) arrays
        Added to in place.

    Raises
    ------
    ValueError
        When columns differ in length, or a landmark is out of range.
    """
    n = len(row)
    if not n == len(converted) == len(count) or len(trials) != len(conversions):
        raise ValueError("columns of landmarks have the same length, and so have columns of rows")
    if len(landmarks) and not 0 <= landmarks.min() <= landmarks.max() < n:
        raise ValueError(f"landmarks are from 0 to {n - 1}")
    _add_counts(landmarks, sign, row, converted, count, trials, conversions)


@compiled
def _add_counts(
    landmarks: NDArray[np.integer],
    sign: float,
    row: NDArray[np.integer],
    converted: NDArray[np.bool_],
    count: NDArray[np.floating],
    trials: NDArray[np.float64],
    conversions: NDArray[np.float64],
) -> None:
    for landmark in landmarks:
        trials[row[landmark]] += sign * count[landmark]
        if converted[landmark]:
            conversions[row[landmark]] += sign * count[landmark]


@compiled
def add_exposure(
    landmarks: NDArray[np.integer],
    row: NDArray[np.integer],
    count: NDArray[np.floating],
    stratum: NDArray[np.integer],
    hour: NDArray[np.integer],
    day_level: NDArray[np.float64],
    hour_level: NDArray[np.float64],
    exposure: NDArray[np.float64],
) -> None:
    """Add the landmarks of each row, weighted by the levels of their days and hours.

    Parameters
    ----------
    landmarks : (m,) integers
        Which of n landmarks, from 0 and below n.
    row, count, stratum, hour : (n,) arrays
        The row of each landmark, how many it stands for, and its day and hour.
    day_level, hour_level : (strata,) and (24,) arrays
    exposure : (rows,) array
        Added to in place.
    """
    for landmark in landmarks:
        level = day_level[stratum[landmark]] * hour_level[hour[landmark]]
        exposure[row[landmark]] += count[landmark] * level


@compiled
def add_forecasts(
    odds: NDArray[np.float64],
    factor: NDArray[np.float64],
    stratum: NDArray[np.integer],
    count: NDArray[np.floating] | None,
    sums: NDArray[np.float64],
) -> None:
    """Add forecasts ``p`` and their variances ``p (1 - p)`` by stratum.

    Parameters
    ----------
    odds : (n,) array
    factor : (strata,) array
        By which the odds of each stratum are multiplied.
    stratum : (n,) integers
        At least 0 and below the number of strata.
    count : (n,) array
        The number of landmarks that each row stands for; None where that is 1 for all.
    sums : (strata, 2) array
        Added to in place.
    """
    for row in range(len(odds)):
        own = stratum[row]
        n = 1.0 if count is None else count[row]
        missed = 1 / (1 + odds[row] * factor[own])
        sums[own, 0] += n * (1 - missed)
        sums[own, 1] += n * (1 - missed) * missed


@compiled
def add_scores(
    log_odds: NDArray[np.float64],
    odds: NDArray[np.float64],
    scored: NDArray[np.float64],
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
    log_odds, scored : (n,) arrays
        Forecasts as made, and those of which the log loss is added.
    odds, surprise : (n,) arrays
        ``exp(-abs(log_odds))`` and ``log(1 + exp(-abs(scored)))``, which numpy computes faster than
        a loop.
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
        missed = max(-scored[row] if hit else scored[row], 0.0)
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
