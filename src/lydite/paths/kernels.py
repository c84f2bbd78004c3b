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
