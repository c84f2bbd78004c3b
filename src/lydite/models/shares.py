"""How weights of touches divide paths over channels, and landmarks that are divided alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lydite.models.landmarks import counted, distinct, rows_to_one
from lydite.models.mixture import MAX_FULL_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from lydite.models.base import Model
    from lydite.models.landmarks import Landmarks, PathChannels, Paths

# Shares of a path are kept in steps, so that paths which are divided alike are seen as one. By the
# order of channels few divisions are near each other, and steps may be fine: exact for equal shares
# of up to 10 touches. By times all are near each other; steps of a 120th move the forecast by less
# than it can be estimated.
STEPS_BY_ORDER = 5040
STEPS_BY_TIME = 120


def path_shares(paths: Paths, column: str) -> sparse.csr_array[np.float64]:
    """Return a column of weights as shares of each path; one without weight is by touches."""
    path = paths.path
    weights = path.weights[column].astype(float)
    empty = counted(path.row, weights, len(paths))[path.row] <= 0
    weights = np.where(empty, path.touches, weights)
    return rows_to_one(path.matrix(weights, len(paths), len(paths.channels)))


def mixed_rates(
    landmarks: Landmarks, column: str, rates: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each landmark's mean rate of channels, by its shares of a column of weights.

    On a path without any weight all touches are alike.
    """
    own = landmarks.own
    if own is not None and column in own:
        return _means(own.sums(column, rates), lambda rows: own.take(rows).met([]), rates)
    met, paths = landmarks.paths.met, len(landmarks.paths)
    sums = _sums(met, met.weights[column], rates, paths)
    mixed = _means(sums, lambda rows: met.take(rows, paths), rates)
    return np.asarray(mixed[landmarks.path])


def _means(
    sums: tuple[NDArray[np.float64], NDArray[np.float64]],
    met: Callable[[NDArray[np.intp]], PathChannels],
    values: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return means by weight, of sums of weights and of products; by touches without weight."""
    weight, product = sums
    empty = np.flatnonzero(weight <= 0)
    if len(empty):
        alike = met(empty)
        weight[empty], product[empty] = _sums(alike, alike.touches, values, len(empty))
    return np.asarray(product / weight)


def _sums(
    path: PathChannels, weights: NDArray[np.number], values: NDArray[np.float64], paths: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the sum of weights on each path, and that of weights times the channels' values."""
    total = counted(path.row, weights, paths)
    return total, counted(path.row, weights * values[path.channel], paths)


def weightless(landmarks: Landmarks, column: str) -> int:
    """Return how many landmarks have a path on which no touch has any weight."""
    path, index, n = landmarks.met([column])
    return int((counted(path.row, path.weights[column], n)[index] <= 0).sum())


def share_rows(
    landmarks: Landmarks, model: Model
) -> tuple[NDArray[np.integer], list[NDArray[np.float64] | sparse.csr_array[np.float64]]]:
    """Return what tells landmarks apart that a model's columns of weights divide over channels.

    Returns
    -------
    index : (n,) integers
        The number of each landmark's path among the k that are divided unlike by any column.
    shares : list of (k, channels) matrices
        For each column, in the form of `fast_matrix`; they are kept in steps.
    """
    finest = STEPS_BY_ORDER if model.sees_order_only else STEPS_BY_TIME
    met, path_of, paths = landmarks.met(model.weight_columns)
    channels, columns = len(landmarks.channels), list(model.weight_columns)
    drawn = np.random.default_rng(0).integers(0, 2**64, (len(columns), channels), dtype=np.uint64)
    digest = np.empty(paths, dtype=np.uint64)
    for some, part in met.parts(paths):
        size = some.stop - some.start
        steps = (_steps(part, name, size, finest) for name in columns)
        digest[some] = _digest(part, steps, drawn, size)
    index, first = distinct(digest)
    met, paths = met.take(first, paths), len(first)
    steps = (_steps(met, name, paths, finest) for name in columns)
    return index[path_of], [_share_matrix(met, own, paths, channels) for own in steps]


def _steps(met: PathChannels, column: str, paths: int, finest: int) -> NDArray[np.float64]:
    """Return each entry's share of its path, in steps; without any weight it is by touches."""
    weight = met.weights[column]
    total = counted(met.row, weight, paths)
    if (total <= 0).any():
        weight = np.where(total[met.row] <= 0, met.touches, weight)
        total = counted(met.row, weight, paths)
    return np.asarray(np.rint(weight * (finest / total)[met.row]))


def _digest(
    met: PathChannels,
    columns: Iterable[NDArray[np.float64]],
    drawn: NDArray[np.uint64],
    paths: int,
) -> NDArray[np.uint64]:
    """Return a 64-bit digest of each path: of whole numbers by column and channel.

    Parameters
    ----------
    columns
        The numbers of all entries.
    drawn : (columns, channels) array
        Drawn at random.
    """
    total = np.zeros(paths, dtype=np.uint64)
    starts, shape = met.starts(paths), (paths, drawn.shape[1])
    for values, multipliers in zip(columns, drawn, strict=True):  # sums are modulo 2^64
        numbers = sparse.csr_array((values.astype(np.uint64), met.channel, starts), shape=shape)
        total += numbers @ multipliers
    return total


def _share_matrix(
    met: PathChannels, steps: NDArray[np.floating], paths: int, channels: int
) -> NDArray[np.float64] | sparse.csr_array[np.float64]:
    """Return shares of paths as a (paths, channels) matrix."""
    if channels > MAX_FULL_CHANNELS:
        return rows_to_one(met.matrix(steps, paths, channels))
    full = np.zeros((channels, paths))
    full.ravel()[met.channel.astype(np.intp) * paths + met.row] = steps
    full /= full.sum(axis=0)
    return full.T
