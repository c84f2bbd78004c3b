"""The tree of prefixes, against prefixes written out."""

from __future__ import annotations

from collections import Counter

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.inputs.path_table import read_path_table
from lydite.paths.prefixes import PathPrefixes
from tests.helpers.examples import examples


@pytest.fixture(scope="module")
def read():
    with DuckDBEngine(threads=1) as engine:

        def read(counts):
            texts = [" > ".join(path) for path in counts]
            frame = pl.DataFrame({"path": texts, "conversions": list(counts.values())})
            return read_path_table(engine, frame)

        yield read


def paths_in(table):
    return [
        tuple(table.channel[start : start + size].tolist())
        for start, size in zip(table.start, table.length, strict=True)
    ]


def written_out(table, prefixes):
    """Return each prefix as the channels that lead to its touch."""
    return [
        tuple(table.channel[touch - length + 1 : touch + 1].tolist())
        for touch, length in zip(prefixes.touch, prefixes.length, strict=True)
    ]


paths = st.lists(st.sampled_from("abcd"), min_size=1, max_size=6).map(tuple)


@examples(100)
@given(st.dictionaries(paths, st.integers(1, 5), min_size=1, max_size=12))
def test_every_prefix_is_there_once(read, counts):
    table = read(counts)
    prefixes = PathPrefixes.of(table)
    found = written_out(table, prefixes)
    expected = Counter()
    for path, count in zip(paths_in(table), table.conversions.tolist(), strict=True):
        expected.update({path[: end + 1]: count for end in range(len(path))})
    assert len(found) == len(set(found)) == len(prefixes)
    assert set(found) == set(expected)
    sizes = list(map(len, found))
    assert sizes == sorted(sizes)
    assert np.diff(prefixes.levels).tolist() == [sizes.count(n) for n in range(1, sizes[-1] + 1)]
    parents = [found[parent] if parent >= 0 else () for parent in prefixes.parent]
    assert parents == [path[:-1] for path in found]
    own = [path[: end + 1] for path in paths_in(table) for end in range(len(path))]
    assert [found[prefix] for prefix in prefixes.of_touch] == own
    ends = prefixes.of_touch[table.start + table.length - 1]
    passed = prefixes.summed(ends, table.conversions).tolist()
    assert dict(zip(found, passed, strict=True)) == expected


@pytest.mark.parametrize("size", [3, 49, 50, 51, 52, 130])
def test_of_long_prefixes_the_first_touch_and_the_latest_count(read, size):
    rng = np.random.default_rng(size)
    table = read({("d", *rng.choice(list("abc"), size - 1)): 1, ("a", "b"): 1})
    prefixes = PathPrefixes.of(table)
    counts = prefixes.channel_counts(table.channel, len(table.channels))
    for path, own in zip(written_out(table, prefixes), counts, strict=True):
        kept = path if len(path) <= 50 else (path[0], *path[-49:])
        assert own.tolist() == [kept.count(channel) for channel in range(len(table.channels))]
