"""Canonical rows of a path table: sums, order, and that names and order of rows do not matter."""

from __future__ import annotations

import itertools
from collections import defaultdict
from functools import partial

import numpy as np
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.inputs.path_rows import MAX_COUNT
from lydite.inputs.slices import slice_starts
from tests.helpers.examples import examples
from tests.helpers.path_tables import assert_refused, assert_same, paths_in, read_paths, totals


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine(threads=1) as engine:
        yield engine


@pytest.fixture(scope="module")
def read(engine):
    return partial(read_paths, engine)


@pytest.fixture(scope="module")
def refused(engine):
    return partial(assert_refused, engine)


# --- sums ---------------------------------------------------------------------------------------


def test_sums_above_the_largest_exact_float(refused):
    refused([("a > b", MAX_COUNT), ("a > b", 1)], "the path 'a > b'", MAX_COUNT + 1, "thousands")
    refused([("a", 1, 0.0, MAX_COUNT), ("a", 1, 0.0, 9)], "nulls together", "above 2^53")
    refused([(" > ".join("ab" * 300), MAX_COUNT)], "more than 2^62 touches", "thousands")


def test_values_that_overflow(refused):
    refused([("a", 1, 1e308), ("a", 1, 1e308)], "too large to add up", "millions")
    refused([("a", 1, 1e308), ("b", 1, -1e308)], "too large to add up", "millions")


def test_value_without_a_conversion(read, refused):
    refused([("a > b", 0, 2.5, 1)], "the path 'a > b' has a value of 2.5 and no conversion", "Give")
    refused([("a", 1, 1.0, 1), ("b", 0, -2.0, 0)], "the path 'b'", "-2")
    assert totals(read([("a", 0, 2.5, 1), ("a", 1, 0.0, 0)])) == {("a",): (1, 2.5, 1)}


def test_rows_without_journeys_are_skipped(read):
    table = read([("a", 1, 0.0, 0), ("rare > a", 0, 0.0, 0), ("b", 0, 0.0, 1), ("a", 0, 0.0, 0)])
    assert totals(table) == {("a",): (1, 0.0, 0), ("b",): (0, 0.0, 1)}
    assert table.without_journeys == 2
    assert table.channels == ("a", "b")


# --- order --------------------------------------------------------------------------------------


def test_channels_are_numbered_by_journeys_then_by_conversions(read):
    table = read([("x > z", 1, 0.0, 5), ("y > x", 2, 0.0, 4), ("w > w", 1, 0.0, 3)])
    assert table.channels == ("x", "w", "y", "z")  # y has more conversions than z
    assert table.length.tolist() == [2, 2, 2]
    assert paths_in(table) == [("x", "z"), ("w", "w"), ("y", "x")]


def test_paths_are_sorted_by_length_then_by_channel(read):
    table = read([("a > a > b", 1), ("b", 1), ("a > b", 1), ("a", 1), ("a > a", 1), ("b > a", 1)])
    assert paths_in(table) == [
        ("a",), ("b",), ("a", "a"), ("a", "b"), ("b", "a"), ("a", "a", "b")
    ]  # fmt: skip


def test_a_long_path_and_the_only_channel(read):
    table = read([(">".join(["a"] * 10_000), 3)])
    assert table.channels == ("a",)
    assert (table.length.tolist(), table.conversions.tolist()) == ([10_000], [3])


NAMES = ("a", "b", "c", "d>e", "É")
counts = st.integers(0, 3) | st.just(2**40)


@st.composite
def path_rows(draw):
    """Rows of path, conversions, value and nulls, of which at least one has a journey."""
    paths = draw(st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=5), min_size=1))
    rows = [
        (tuple(path), hits, draw(st.integers(0, 40)) / 8 if hits else 0.0, draw(counts))
        for path in paths
        for hits in [draw(counts)]
    ]
    return [*rows, (("a", "b"), 1, 0.5, 0)]


def as_frame(rows, rename=None):
    texts = [" > ".join((rename or {}).get(name, name) for name in path) for path, *_ in rows]
    columns = list(zip(*[row[1:] for row in rows], strict=True))
    names = ("conversions", "value", "nulls")
    return pl.DataFrame({"path": texts} | {n: list(c) for n, c in zip(names, columns, strict=True)})


@given(path_rows())
def test_reading_equals_brute_force(read, rows):
    sums = defaultdict(lambda: [0, 0.0, 0])
    for path, *numbers in rows:
        sums[path] = [a + b for a, b in zip(sums[path], numbers, strict=True)]
    expected = {path: tuple(total) for path, total in sums.items() if total[0] + total[2]}
    table = read(as_frame(rows))
    assert totals(table) == expected
    assert table.without_journeys == sum(hits + misses == 0 for _, hits, _, misses in rows)
    touches, converting = defaultdict(int), defaultdict(int)
    for path, (hits, _, misses) in expected.items():
        for name in path:
            touches[name] += hits + misses
            converting[name] += hits
    keys = [(-touches[name], -converting[name]) for name in table.channels]
    assert keys == sorted(keys)
    assert set(table.channels) == set(touches)
    begins = slice_starts(table.length)
    order = [
        (size, *table.channel[begin : begin + size])
        for begin, size in zip(begins, table.length, strict=True)
    ]
    assert order == sorted(order)


@given(path_rows(), st.randoms(use_true_random=False))
def test_shuffled_rows_change_nothing(read, rows, random):
    before = read(as_frame(rows))
    random.shuffle(rows)
    after = read(as_frame(rows))
    assert_same(before, after)
    np.testing.assert_array_equal(before.value, after.value)


@given(path_rows(), st.data())
def test_split_rows_change_nothing(read, rows, data):
    parts = []
    for path, hits, value, misses in rows:
        some = data.draw(st.integers(0, hits)), data.draw(st.integers(0, misses))
        worth = data.draw(st.integers(0, int(value * 8))) / 8
        parts += [(path, some[0], worth, some[1])]
        parts += [(path, hits - some[0], value - worth, misses - some[1])]
    assert_same(read(as_frame(rows)), read(as_frame(parts)), but=["without_journeys"])


def ties(rows):
    """Return whether channels tie in touches and their positions, on all and converting paths."""
    keys = defaultdict(lambda: np.zeros(4, dtype=int))
    for path, hits, _, misses in rows:
        for position, name in enumerate(path):
            keys[name] += np.outer([hits + misses, hits], [1, position]).ravel()
    keys = [tuple(key) for key in keys.values() if key[0]]
    return len(set(keys)) < len(keys)


@examples(150)
@given(path_rows(), st.permutations(NAMES))
@example([(("a", "b"), 1, 0.0, 0), (("c", "É"), 1, 0.0, 0)], ["a", "É", "c", NAMES[3], "b"])
@example([(("a", "b"), 1, 0.0, 0), (("b", "a"), 1, 0.0, 0)], ["b", "a", "c", NAMES[3], "É"])
def test_renamed_channels_change_nothing(read, rows, names):
    rename = dict(zip(NAMES, names, strict=True))
    before, after = read(as_frame(rows)), read(as_frame(rows, rename))
    if not ties(rows):
        assert_same(before, after, but=["channels", "notes"])
    back = {new: old for old, new in rename.items()}
    assert {tuple(back[name] for name in path): row for path, row in totals(after).items()} == (
        totals(before)
    )


@pytest.mark.parametrize("names", list(itertools.permutations("abcd")))
@pytest.mark.parametrize(
    "paths",
    [
        [("a", "b"), ("c", "d")],
        [("a", "b"), ("b", "a"), ("c",), ("d",)],
        [("a", "b"), ("a",), ("b",)],
        [("a", "b", "c"), ("c",), ("d", "d")],
    ],
)
def test_names_decide_nothing_where_tied_channels_can_be_swapped_or_ordered(read, paths, names):
    rename = dict(zip("abcd", names, strict=True))
    rows = [(path, 1, 0.5, 0) for path in paths]
    assert_same(read(as_frame(rows)), read(as_frame(rows, rename)), but=["channels", "notes"])


def test_sums_of_values_do_not_depend_on_the_order_of_rows(read):
    values = np.random.default_rng(0).random(1000).tolist()
    sums = {
        read([("a", 1, value) for value in some]).value[0]
        for some in (values, values[::-1], sorted(values))
    }
    assert len(sums) == 1


def test_many_channels_that_differ_only_in_their_position(read):
    rng = np.random.default_rng(1)
    paths = rng.permutation(400).reshape(100, 4)
    both = rng.permutation(400), rng.permutation(400)
    tables = [
        read(pl.DataFrame({"path": [">".join(f"n{names[i]}" for i in row) for row in paths],
                           "conversions": [1] * 100}))
        for names in both
    ]  # fmt: skip
    assert_same(*tables, but=["channels", "notes"])
