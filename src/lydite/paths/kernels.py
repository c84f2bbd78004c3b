"""Loops over the touches of paths, compiled.

A path is a stretch of touches that lie one after the other, as in `PathSlices`: its `first` touch,
its `length`, and how many of them are `kept`, the first and the most recent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lydite.paths.compiled import compiled

if TYPE_CHECKING:
    from numpy.typing import NDArray

_US_PER_HOUR = 3.6e9


@compiled
def touch_at(first: int, length: int, kept: int, place: int) -> int:
    """Return the number of a touch that counts, by its place on the path, from 0."""
    return first + (length - kept + place if place > 0 else 0)


@compiled
def cut(kept: NDArray[np.integer], most: int, edges: NDArray[np.integer]) -> int:
    """Cut paths where they come to a multiple of so many touches, and return how many parts.

    The edges of the parts are put down, from 0 to the number of paths.
    """
    parts, before = 0, 0
    for path in range(len(kept)):
        if path > 0 and before // most > (before - kept[path - 1]) // most:
            parts += 1
            edges[parts] = path
        before += kept[path]
    edges[parts + 1] = len(kept)
    return parts + 1


@compiled
def touches(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    kept: NDArray[np.integer],
    touch: NDArray[np.integer],
) -> None:
    """Put down the numbers of the touches that count, path after path."""
    row = 0
    for path in range(len(kept)):
        for place in range(kept[path]):
            touch[row] = touch_at(first[path], length[path], kept[path], place)
            row += 1


@compiled
def histories(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    kept: NDArray[np.integer],
    channel: NDArray[np.integer],
    history: NDArray[np.integer],
) -> None:
    """Put down the channels of the last touches of each path, the newest first, -1 for none."""
    for path in range(len(kept)):
        for back in range(history.shape[1]):
            place = kept[path] - 1 - back
            if place < 0:
                history[path, back] = -1
            else:
                touch = touch_at(first[path], length[path], kept[path], place)
                history[path, back] = channel[touch]


@compiled
def digests(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    kept: NDArray[np.integer],
    channel: NDArray[np.integer],
    codes: NDArray[np.uint64],
    base: np.uint64,
    digest: NDArray[np.uint64],
) -> None:
    """Put down the polynomial in `base` over the codes of the channels on each path."""
    for path in range(len(kept)):
        total = np.uint64(0)
        for place in range(kept[path]):
            touch = touch_at(first[path], length[path], kept[path], place)
            total = total * base + codes[channel[touch]]
        digest[path] = total


@compiled
def hours_before_end(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    kept: NDArray[np.integer],
    at_us: NDArray[np.int64],
    hours: NDArray[np.float64],
) -> None:
    """Put down how long before the end of its path each touch was."""
    row = 0
    for path in range(len(kept)):
        end = at_us[first[path] + length[path] - 1]
        for place in range(kept[path]):
            touch = touch_at(first[path], length[path], kept[path], place)
            hours[row] = (end - at_us[touch]) / _US_PER_HOUR
            row += 1


@compiled
def weighted_sums(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    kept: NDArray[np.integer],
    channel: NDArray[np.integer],
    weight: NDArray[np.float64],
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    products: NDArray[np.float64],
) -> None:
    """Put down the sum of weights on each path, and that of weights times the channels' values.

    `weight` is by touch, path after path.
    """
    row = 0
    for path in range(len(kept)):
        total, product = 0.0, 0.0
        for place in range(kept[path]):
            touch = touch_at(first[path], length[path], kept[path], place)
            total += weight[row]
            product += weight[row] * values[channel[touch]]
            row += 1
        weights[path], products[path] = total, product


@compiled
def channels_on(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    kept: NDArray[np.integer],
    channel: NDArray[np.integer],
    channels: int,
) -> NDArray[np.int64]:
    """Return how many channels are on each path."""
    found = np.zeros(len(kept), dtype=np.int64)
    seen = np.full(channels, -1)
    for path in range(len(kept)):
        for place in range(kept[path]):
            own = channel[touch_at(first[path], length[path], kept[path], place)]
            if seen[own] != path:
                seen[own] = path
                found[path] += 1
    return found


@compiled
def _insert(number: int, ascending: NDArray[np.integer], size: int) -> None:
    """Put a number where it belongs among so many."""
    while size > 0 and ascending[size - 1] > number:
        ascending[size] = ascending[size - 1]
        size -= 1
    ascending[size] = number


@compiled
def lay_out_by_channel(
    first: NDArray[np.integer],
    length: NDArray[np.integer],
    kept: NDArray[np.integer],
    channel: NDArray[np.integer],
    is_direct: NDArray[np.bool_],
    order_only: bool,
    longest: int,
    row: NDArray[np.integer],
    met: NDArray[np.integer],
    count: NDArray[np.integer],
    kind: NDArray[np.integer],
    slot: NDArray[np.integer],
) -> None:
    """Lay out paths by channel: an entry for each channel of a path, in ascending order.

    Parameters
    ----------
    first, length, kept, channel
        The paths.
    is_direct : (channels,) bool
    order_only
        Whether touches are alike that are alike by the order of channels; or none are.
    longest
        No path has more touches.
    row, met, count : (entries,) arrays
        To be filled: the path, the channel, and how many touches of it are on the path.
    kind, slot : (touches,) arrays
        To be filled: what tells touches apart, entry after entry; and which entry of its path each
        touch belongs to, path after path. Modulo ``longest + 1`` a kind is the touch's position.
    """
    base, channels = longest + 1, len(is_direct)
    seen, on_path = np.full(channels, -1), np.zeros(channels, dtype=np.int64)
    own_count, own_slot, next_place = np.zeros_like(seen), np.zeros_like(seen), np.zeros_like(seen)
    entry, begin = 0, 0
    for path in range(len(kept)):
        size, last_non_direct = 0, 0
        for place in range(kept[path]):
            own = channel[touch_at(first[path], length[path], kept[path], place)]
            if seen[own] != path:
                seen[own], own_count[own] = path, 0
                _insert(own, on_path, size)
                size += 1
            own_count[own] += 1
            if not is_direct[own]:
                last_non_direct = place + 1
        place_of_entry = begin
        for number in range(size):
            own = on_path[number]
            row[entry], met[entry], count[entry] = path, own, own_count[own]
            own_slot[own], next_place[own] = number, place_of_entry
            place_of_entry += own_count[own]
            entry += 1
        for place in range(kept[path]):
            own = channel[touch_at(first[path], length[path], kept[path], place)]
            slot[begin + place] = own_slot[own]
            apart = path
            if order_only:
                apart = (own * base + kept[path]) * base + last_non_direct
            kind[next_place[own]] = apart * base + place + 1
            next_place[own] += 1
        begin += kept[path]


@compiled
def sums_by_entry(
    weight: NDArray[np.float64],
    kept: NDArray[np.integer],
    begin: NDArray[np.integer],
    entry: NDArray[np.integer],
    slot: NDArray[np.integer],
    sums: NDArray[np.floating],
) -> None:
    """Add weights of touches, path after path, to the entries of their channels.

    Parameters
    ----------
    weight : (touches,) array
    kept : (paths,) integers
        How many touches each path has.
    begin, entry : (paths,) integers
        Where the slots of each path begin, and where its entries do.
    slot
        Which entry of its path each touch belongs to.
    sums
        To be added to.
    """
    row = 0
    for path in range(len(kept)):
        for place in range(kept[path]):
            sums[entry[path] + slot[begin[path] + place]] += weight[row]
            row += 1
