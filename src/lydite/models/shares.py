"""How weights of touches divide paths over channels, and landmarks that are divided alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lydite.compiled import compiled
from lydite.models.counting import counted, distinct, taken
from lydite.models.landmarks import rows_to_one
from lydite.models.mixture import MAX_FULL_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Callable

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
    start = met.starts(paths)
    weights, kind, begin = met.summands(columns)
    drawn = np.random.default_rng(0).integers(0, 2**64, (len(columns), channels), dtype=np.uint64)
    digest = np.empty(paths, dtype=np.uint64)
    entries = start, met.channel, met.touches, kind, begin
    _digest(*entries, weights, finest, drawn, digest)
    index, first = distinct(digest)
    shares = []
    edges = np.append(0, np.cumsum(start[first + 1] - start[first]))
    for own in weights:
        share, channel = np.empty(edges[-1]), np.empty(edges[-1], dtype=np.int32)
        _put_shares(*entries, own, finest, first, share, channel)
        shares.append(_matrix(share, channel, edges, channels))
    return taken(index, path_of), shares


def _matrix(
    share: NDArray[np.float64], channel: NDArray[np.int32], edges: NDArray[np.intp], channels: int
) -> NDArray[np.float64] | sparse.csr_array[np.float64]:
    """Return the shares of k paths as a (k, channels) matrix, in the form of `fast_matrix`."""
    shape = len(edges) - 1, channels
    if channels > MAX_FULL_CHANNELS:
        return sparse.csr_array((share, channel, edges), shape=shape)
    full = np.zeros(shape, order="F")
    _spread(share, channel, edges, full)
    return full


@compiled
def _spread(
    share: NDArray[np.float64],
    channel: NDArray[np.int32],
    edges: NDArray[np.intp],
    full: NDArray[np.float64],
) -> None:
    for path in range(len(full)):
        for entry in range(edges[path], edges[path + 1]):
            full[path, channel[entry]] = share[entry]


@compiled
def _divide(
    low: int,
    high: int,
    touches: NDArray[np.integer],
    kind: NDArray[np.integer],
    begin: NDArray[np.integer],
    weight: NDArray[np.float64],
    finest: int,
    steps: NDArray[np.float64],
) -> float:
    """Put down the shares of a path's entries, in steps, and return how many steps they are.

    On a path without any weight, touches share alike.
    """
    total = 0.0
    for entry in range(low, high):
        own = 0.0
        for touch in range(begin[entry], begin[entry + 1]):
            own += weight[kind[touch]]
        steps[entry - low] = own
        total += own
    if total <= 0:
        total = 0.0
        for entry in range(low, high):
            steps[entry - low] = touches[entry]
            total += touches[entry]
    step, whole = finest / total, 0.0
    for place in range(high - low):
        steps[place] = np.rint(steps[place] * step)
        whole += steps[place]
    return whole


@compiled
def _digest(
    start: NDArray[np.integer],
    channel: NDArray[np.integer],
    touches: NDArray[np.integer],
    kind: NDArray[np.integer],
    begin: NDArray[np.integer],
    weights: NDArray[np.float64],
    finest: int,
    drawn: NDArray[np.uint64],
    digest: NDArray[np.uint64],
) -> None:
    """Put down a 64-bit digest of how each path is divided; sums are modulo 2^64."""
    steps = np.empty(drawn.shape[1])
    for path in range(len(digest)):
        low, high, total = start[path], start[path + 1], np.uint64(0)
        for column in range(len(weights)):
            _divide(low, high, touches, kind, begin, weights[column], finest, steps)
            for entry in range(low, high):
                total += np.uint64(steps[entry - low]) * drawn[column, channel[entry]]
        digest[path] = total


@compiled
def _put_shares(
    start: NDArray[np.integer],
    channel: NDArray[np.integer],
    touches: NDArray[np.integer],
    kind: NDArray[np.integer],
    begin: NDArray[np.integer],
    weight: NDArray[np.float64],
    finest: int,
    chosen: NDArray[np.intp],
    share: NDArray[np.float64],
    channel_of: NDArray[np.int32],
) -> None:
    """Put down shares and channels of some paths, path after path."""
    steps = np.empty(channel.max() + 1 if len(channel) else 1)
    place = 0
    for path in chosen:
        low, high = start[path], start[path + 1]
        whole = _divide(low, high, touches, kind, begin, weight, finest, steps)
        for entry in range(low, high):
            share[place], channel_of[place] = steps[entry - low] / whole, channel[entry]
            place += 1
