"""Loops over touches of paths, against plain loops of Python over the touches that count."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lydite.paths import kernels
from tests.helpers.random_path_slices import HOUR, NAMES, channels_of, draw_stretches, touches_of

VALUES = np.array([0.5, 2.0, 3.0])


@given(st.lists(st.integers(1, 9), max_size=30), st.integers(1, 20))
def test_paths_are_cut_at_multiples_of_so_many_touches(sizes, most):
    kept = np.array(sizes, dtype=np.int32)
    edges = np.zeros(sum(sizes) // most + 2, dtype=np.intp)
    found = edges[: kernels.cut(kept, most, edges) + 1].tolist()
    part = (np.cumsum(kept) - kept) // most
    expected = [0, *(np.flatnonzero(np.diff(part)) + 1).tolist(), len(sizes)]
    assert found == expected


@given(draw_stretches())
def test_touches_are_those_that_count(drawn):
    _, paths = drawn
    touch = np.empty(int(paths.kept.sum()), dtype=np.int64)
    kernels.touches(*paths.columns, touch)
    assert touch.tolist() == [touch for own in touches_of(paths) for touch in own]


@given(draw_stretches())
def test_a_history_is_the_last_channels_the_newest_first(drawn):
    touch_arrays, paths = drawn
    history = np.empty((len(paths), 3), dtype=np.int16)
    kernels.histories(*paths.columns, touch_arrays.channel, history)
    expected = [[*own[::-1], -1, -1][:3] for own in channels_of(touch_arrays, paths)]
    assert history.tolist() == expected


@given(draw_stretches())
def test_digests_are_polynomials_modulo_a_power_of_two(drawn):
    touch_arrays, paths = drawn
    codes, base = [3**40, 5**27, 7**22], 11**18 | 1
    digest = np.empty(len(paths), dtype=np.uint64)
    numbers = np.array([code % 2**64 for code in codes], dtype=np.uint64)
    kernels.digests(*paths.columns, touch_arrays.channel, numbers, np.uint64(base % 2**64), digest)
    for own, found in zip(channels_of(touch_arrays, paths), digest.tolist(), strict=True):
        expected = 0
        for channel in own:
            expected = expected * base + codes[channel]
        assert found == expected % 2**64


@given(draw_stretches())
def test_hours_are_to_the_end_of_the_path(drawn):
    touch_arrays, paths = drawn
    before_end = np.empty(int(paths.kept.sum()))
    kernels.hours_before_end(*paths.columns, touch_arrays.at_us, before_end)
    at = [touch_arrays.at_us[own] / HOUR for own in touches_of(paths)]
    np.testing.assert_allclose(before_end, [x for own in at for x in own[-1] - own], atol=1e-9)


@given(draw_stretches())
def test_sums_are_by_path_and_by_entry(drawn):
    touch_arrays, paths = drawn
    weight = np.arange(1.0, 1 + paths.kept.sum())
    weights, products = np.empty((2, len(paths)))
    kernels.weighted_sums(*paths.columns, touch_arrays.channel, weight, VALUES, weights, products)
    begin = 0
    for row, own in enumerate(channels_of(touch_arrays, paths)):
        part = weight[begin : begin + len(own)]
        begin += len(own)
        assert weights[row] == part.sum()
        assert products[row] == part @ VALUES[list(own)]


@given(draw_stretches())
def test_entries_are_the_channels_of_each_path_in_ascending_order(drawn):
    touch_arrays, paths = drawn
    channels = channels_of(touch_arrays, paths)
    columns = *paths.columns, touch_arrays.channel
    size = kernels.channels_on(*columns, len(NAMES))
    assert size.tolist() == [len(set(own)) for own in channels]
    longest, counting = int(paths.kept.max(initial=0)), int(paths.kept.sum())
    row, met, count = np.empty((3, int(size.sum())), dtype=np.int32)
    kind, slot = np.empty(counting, dtype=np.int64), np.empty(counting, dtype=np.int16)
    by_kind: dict[tuple, int] = {}
    for order_only in (True, False):
        kernels.lay_out_by_channel(
            *columns, touch_arrays.is_direct, order_only, longest, row, met, count, kind, slot
        )
        entry = touch = begin = 0
        for path, own in enumerate(channels):
            on_path = sorted(set(own))
            known = [
                place for place, channel in enumerate(own) if not touch_arrays.is_direct[channel]
            ]
            assert slot[begin : begin + len(own)].tolist() == [on_path.index(c) for c in own]
            begin += len(own)
            for channel in on_path:
                places = [place for place, other in enumerate(own) if other == channel]
                assert (row[entry], met[entry], count[entry]) == (path, channel, len(places))
                entry += 1
                for place in places:
                    assert kind[touch] % (longest + 1) == place + 1
                    alike = (channel, len(own), known[-1] if known else -1, place)
                    told = alike if order_only else (path, place)
                    assert by_kind.setdefault((order_only, *told), kind[touch]) == kind[touch]
                    touch += 1
        own_kinds = [number for (own, *_), number in by_kind.items() if own == order_only]
        assert len(set(own_kinds)) == len(own_kinds)


@given(draw_stretches())
def test_weights_are_added_to_the_entries_of_their_channels(drawn):
    touch_arrays, paths = drawn
    channels = channels_of(touch_arrays, paths)
    weight = np.arange(1.0, 1 + paths.kept.sum())
    slots = [[sorted(set(own)).index(channel) for channel in own] for own in channels]
    slot = np.array([place for own in slots for place in own], dtype=np.int16)
    begin = np.cumsum(paths.kept) - paths.kept
    sizes = [len(set(own)) for own in channels]
    entry = np.cumsum([0, *sizes])[: len(channels)]
    sums = np.zeros(sum(sizes))
    kernels.sums_by_entry(weight, paths.kept, begin, entry, slot, sums)
    expected = [
        weight[begin[path] : begin[path] + len(own)][np.array(own) == place].sum()
        for path, own in enumerate(slots)
        for place in sorted(set(own))
    ]
    assert sums.tolist() == expected
