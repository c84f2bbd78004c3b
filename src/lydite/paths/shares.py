"""Shares of channels on paths by weights of touches, and the landmarks with equal shares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.inputs.slices import slice_positions
from lydite.paths.arrays import factorize, group_sums, normalize_rows, sums_of_slices
from lydite.paths.landmarks import PathChannels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from scipy import sparse

    from lydite.paths.landmarks import Landmarks, Paths

# Shares are rounded to steps, so that paths with nearly equal shares have one feature row. By order
# of channels few shares are nearly equal, and steps may be fine: equal shares of up to 10 touches
# are exact. By times all shares differ; steps of 1/120 change the forecast by less than its
# standard error.
STEPS_BY_ORDER = 5040
STEPS_BY_TIME = 120

#: Up to so many channels a full matrix is faster than a sparse one.
MAX_FULL_CHANNELS = 24

#: What is computed of the paths of at most so many landmarks is kept.
MAX_KEPT = 1_000_000


def path_shares(paths: Paths, column: str) -> sparse.csr_array[np.float64]:
    """Return a column of weights as shares of each path; of touches where a path has no weight."""
    weights, _ = _weights_or_touches(paths.path, column, len(paths))
    return normalize_rows(paths.path.matrix(weights, len(paths), len(paths.channels)))


def mixed_rates(
    landmarks: Landmarks, column: str, rates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the mean rate of the channels on each landmark's path, weighted by a column.

    On a path without any weight all touches have the same weight.

    Parameters
    ----------
    rates : (channels,) array
    """
    paths = landmarks.landmark_paths
    if paths is not None and column in paths:
        sums = paths.sums(column, rates)
        return _means(sums, lambda rows: paths.take(rows).path_channels([]), rates)
    distinct, size = landmarks.paths.path_channels, len(landmarks.paths)
    sums = _sums(distinct, distinct.weights[column], rates, size)
    means = _means(sums, lambda rows: distinct.take(rows, size), rates)
    return np.asarray(means[landmarks.path])


def _means(
    sums: tuple[NDArray[np.float64], NDArray[np.float64]],
    channels_on: Callable[[NDArray[np.intp]], PathChannels],
    values: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return sums of products by sums of weights; means of touches where there is no weight."""
    weight, product = sums
    empty = np.flatnonzero(weight <= 0)
    if len(empty):
        path = channels_on(empty)
        weight[empty], product[empty] = _sums(path, path.touches, values, len(empty))
    return np.asarray(product / weight)


def _sums(
    path: PathChannels, weights: NDArray[np.number], values: NDArray[np.float64], paths: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sum of weights on each path, and of weights times the values of channels."""
    total = group_sums(path.row, weights, paths)
    return total, group_sums(path.row, weights * values[path.channel], paths)


def count_weightless(landmarks: Landmarks, column: str) -> int:
    """Return the number of landmarks with a path on which no touch has any weight."""
    path, number, size = landmarks.path_channels([column])
    total = group_sums(path.row, path.weights[column], size)
    return int((total[number] <= 0).sum())


def share_rows(
    landmarks: Landmarks, columns: Sequence[str], steps: int
) -> tuple[NDArray[np.integer], list[NDArray[np.float64] | sparse.csr_array[np.float64]]]:
    """Return the distinct shares of channels on the paths of landmarks, by columns of weights.

    Those of few landmarks are kept: backtest and credit of a model ask for the same ones, and so do
    outcomes with the same paths.

    Parameters
    ----------
    landmarks
        n landmarks.
    columns
        Names of the columns.
    steps
        Shares are rounded to so many steps: `STEPS_BY_ORDER` or `STEPS_BY_TIME`.

    Returns
    -------
    inverse : (n,) integers
        The row of each landmark among the k distinct ones.
    shares : list of (k, channels) matrices
        One for each column: full matrices of up to `MAX_FULL_CHANNELS` channels, else sparse ones.
    """
    if len(landmarks) > MAX_KEPT:
        return _share_rows(landmarks, columns, steps)
    key = (*columns, steps)
    if key not in landmarks.shares:
        landmarks.shares[key] = _share_rows(landmarks, columns, steps)
    inverse, shares = landmarks.shares[key]
    return inverse, shares


def _share_rows(
    landmarks: Landmarks, columns: Sequence[str], steps: int
) -> tuple[NDArray[np.integer], list[NDArray[np.float64] | sparse.csr_array[np.float64]]]:
    path, number, size = landmarks.path_channels(columns)
    parts = [_rounded(path, column, size, steps) for column in columns]
    edges = path.starts(size)
    inverse, first = factorize(_hashes(path.channel, parts, edges, len(landmarks.channels)))
    lengths = edges[first + 1] - edges[first]
    entries = slice_positions(edges[first], lengths)
    rows = PathChannels(
        np.repeat(np.arange(len(first)), lengths), path.channel[entries], path.touches[entries]
    )
    shape = len(first), len(landmarks.channels)
    return inverse[number], [_share_matrix(rows, part[entries], shape) for part in parts]


def _weights_or_touches(
    path: PathChannels, column: str, paths: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights of entries, of touches where a path has no weight, and sums by path."""
    weights = path.weights[column].astype(float)
    total = group_sums(path.row, weights, paths)
    if (total <= 0).any():
        weights = np.where(total[path.row] <= 0, path.touches, weights)
        total = group_sums(path.row, weights, paths)
    return weights, total


def _rounded(path: PathChannels, column: str, paths: int, steps: int) -> NDArray[np.float64]:
    """Return the shares of entries, rounded to whole steps."""
    weights, total = _weights_or_touches(path, column, paths)
    weights *= (steps / np.where(total > 0, total, 1.0))[path.row]
    return np.rint(weights, out=weights)


def _hashes(
    channel: NDArray[np.integer],
    parts: Sequence[NDArray[np.float64]],
    edges: NDArray[np.integer],
    channels: int,
) -> NDArray[np.uint64]:
    """Return a 64-bit hash of the shares of each path: a sum of steps times random numbers."""
    drawn = np.random.default_rng(0).integers(
        0, 2**64, size=(channels, len(parts)), dtype=np.uint64
    )
    total = np.zeros(len(channel), dtype=np.uint64)
    for column, part in enumerate(parts):
        total += part.astype(np.uint64) * drawn[:, column][channel]
    return sums_of_slices(total, edges)


def _share_matrix(
    path: PathChannels, parts: NDArray[np.float64], shape: tuple[int, int]
) -> NDArray[np.float64] | sparse.csr_array[np.float64]:
    """Return the steps of entries as shares of each path."""
    shares = parts / group_sums(path.row, parts, shape[0])[path.row]
    if shape[1] > MAX_FULL_CHANNELS:
        return path.matrix(shares, *shape)
    matrix = np.zeros(shape, order="F")
    matrix[path.row, path.channel] = shares
    return matrix
