"""How weights of touches divide paths over channels, and landmarks that are divided alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import sparse

from lydite.paths.compiled import compiled
from lydite.paths.grouping import counted, distinct, taken
from lydite.paths.landmarks import rows_to_one

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from lydite.paths.landmarks import Landmarks, PathChannels, Paths

    _Integers = NDArray[np.integer]
    # Where each path starts, and each entry's channel and touches; the kind of each touch, and
    # where the touches of each entry begin; and the steps.
    _Entries = tuple[_Integers, _Integers, _Integers, _Integers, _Integers, int]

# Shares of a path are kept in steps, so that paths which are divided alike are seen as one. By the
# order of channels few divisions are near each other, and steps may be fine: exact for equal shares
# of up to 10 touches. By times all are near each other; steps of a 120th move the forecast by less
# than it can be estimated.
STEPS_BY_ORDER = 5040
STEPS_BY_TIME = 120

#: Up to so many channels a full matrix is faster than a sparse one.
MAX_FULL_CHANNELS = 24


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
    own = landmarks.landmark_paths
    if own is not None and column in own:
        return _means(own.sums(column, rates), lambda rows: own.take(rows).path_channels([]), rates)
    met, paths = landmarks.paths.path_channels, len(landmarks.paths)
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
    path, index, n = landmarks.path_channels([column])
    return int((counted(path.row, path.weights[column], n)[index] <= 0).sum())


def share_rows(
    landmarks: Landmarks, columns: Sequence[str], steps: int
) -> tuple[NDArray[np.integer], list[NDArray[np.float64] | sparse.csr_array[np.float64]]]:
    """Return the distinct shares of landmarks by some columns of weights.

    Parameters
    ----------
    columns
        Names of the columns.
    steps
        Shares are rounded to so many steps: `STEPS_BY_ORDER` or `STEPS_BY_TIME`.

    Returns
    -------
    index : (n,) integers
        The row of each landmark in the k distinct ones.
    shares : list of (k, channels) matrices
        For each column, in the form of `fast_matrix`; they are kept in steps.
    """
    met, path_of, paths = landmarks.path_channels(columns)
    start, channels = met.starts(paths), len(landmarks.channels)
    weights, kind, begin = met.summands(columns)
    entries = start, met.channel, met.touches, kind, begin, steps
    drawn = np.random.default_rng(0).integers(
        0, 2**64, (channels, weights.shape[1]), dtype=np.uint64
    )
    digest = np.empty(paths, dtype=np.uint64)
    _digest(entries, weights, drawn, digest)
    index, first = distinct(digest)
    return taken(index, path_of), _shares_of(first, entries, weights, channels)


def _shares_of(
    chosen: NDArray[np.intp],
    entries: _Entries,
    weights: NDArray[np.floating],
    channels: int,
) -> list[NDArray[np.float64] | sparse.csr_array[np.float64]]:
    """Return the shares of some paths by columns of weights, in the form of `fast_matrix`."""
    columns = weights.shape[1]
    if channels <= MAX_FULL_CHANNELS:
        full = np.zeros((columns, channels, len(chosen)))
        _put_shares(entries, weights, chosen, full)
        return [own.T for own in full]
    start = entries[0]
    edges = np.append(0, np.cumsum(start[chosen + 1] - start[chosen]))
    channel, share = np.empty(edges[-1], dtype=np.int32), np.empty((columns, edges[-1]))
    _list_shares(entries, weights, chosen, channel, share)
    shape = len(chosen), channels
    return [sparse.csr_array((own, channel, edges), shape) for own in share]


@compiled
def _divide(
    low: int,
    high: int,
    touches: NDArray[np.integer],
    kind: NDArray[np.integer],
    begin: NDArray[np.integer],
    finest: int,
    weights: NDArray[np.floating],
    parts: NDArray[np.float64],
    step: NDArray[np.float64],
) -> None:
    """Put down the parts of a path that its entries have by each column, and steps in one of each.

    On a path without any weight, touches have a part each.
    """
    step[:] = 0.0
    for entry in range(low, high):
        for column in range(len(step)):
            own = np.float64(weights[kind[begin[entry]], column])
            for touch in range(begin[entry] + 1, begin[entry + 1]):
                own += weights[kind[touch], column]
            parts[entry - low, column] = own
            step[column] += own
    for column in range(len(step)):
        if step[column] <= 0:
            step[column] = 0.0
            for entry in range(low, high):
                parts[entry - low, column] = touches[entry]
                step[column] += touches[entry]
        step[column] = finest / step[column]


@compiled
def _round(entries: int, parts: NDArray[np.float64], step: NDArray[np.float64]) -> None:
    """Turn the parts that entries have by each column into shares, in whole steps."""
    for column in range(len(step)):
        whole = 0.0
        for entry in range(entries):
            parts[entry, column] = np.rint(parts[entry, column] * step[column])
            whole += parts[entry, column]
        for entry in range(entries):
            parts[entry, column] /= whole


@compiled
def _digest(
    entries: _Entries,
    weights: NDArray[np.float64],
    drawn: NDArray[np.uint64],
    digest: NDArray[np.uint64],
) -> None:
    """Put down a 64-bit digest of how each path is divided; sums are modulo 2^64."""
    start, channel, touches, kind, begin, finest = entries
    parts, step = np.empty(drawn.shape), np.empty(drawn.shape[1])
    for path in range(len(digest)):
        low, high, total = start[path], start[path + 1], np.uint64(0)
        _divide(low, high, touches, kind, begin, finest, weights, parts, step)
        for entry in range(low, high):
            for column in range(len(step)):
                steps = np.rint(parts[entry - low, column] * step[column])
                total += np.uint64(steps) * drawn[channel[entry], column]
        digest[path] = total


@compiled
def _put_shares(
    entries: _Entries,
    weights: NDArray[np.floating],
    chosen: NDArray[np.intp],
    full: NDArray[np.float64],
) -> None:
    """Put down the shares of some paths, by column, channel and path."""
    start, channel, touches, kind, begin, finest = entries
    parts, step = np.empty((full.shape[1], full.shape[0])), np.empty(full.shape[0])
    for number in range(len(chosen)):
        low, high = start[chosen[number]], start[chosen[number] + 1]
        _divide(low, high, touches, kind, begin, finest, weights, parts, step)
        _round(high - low, parts, step)
        for entry in range(low, high):
            for column in range(len(step)):
                full[column, channel[entry], number] = parts[entry - low, column]


@compiled
def _list_shares(
    entries: _Entries,
    weights: NDArray[np.floating],
    chosen: NDArray[np.intp],
    channel_of: NDArray[np.int32],
    share: NDArray[np.float64],
) -> None:
    """Put down channels of some paths, path after path, and their shares by each column."""
    start, channel, touches, kind, begin, finest = entries
    most = channel.max() + 1 if len(channel) else 1
    parts, step = np.empty((most, len(share))), np.empty(len(share))
    place = 0
    for path in chosen:
        low, high = start[path], start[path + 1]
        _divide(low, high, touches, kind, begin, finest, weights, parts, step)
        _round(high - low, parts, step)
        for entry in range(low, high):
            channel_of[place] = channel[entry]
            for column in range(len(step)):
                share[column, place] = parts[entry - low, column]
            place += 1
