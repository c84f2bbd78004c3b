"""Weights by kind of touch: sums over the touches of each entry."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from lydite.paths.kind_weights import KindWeights


@given(st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=5), max_size=12), st.data())
def test_columns_are_sums_over_touches(entries, data):
    by_kind = {"one": np.array([1.0, 2.0, 4.0, 8.0]), "other": np.array([0.0, 0.5, 0.0, 3.0])}
    kind = np.array([own for entry in entries for own in entry], dtype=np.int32)
    touches = np.array([len(entry) for entry in entries], dtype=np.int32)
    weights = KindWeights(by_kind, kind, touches)
    assert list(weights) == ["one", "other"]
    assert len(weights) == 2
    low = data.draw(st.integers(0, len(entries)))
    high = data.draw(st.integers(low, len(entries)))
    some = data.draw(st.permutations(range(len(entries))))[: high - low]
    for name, own in by_kind.items():
        sums = np.array([own[entry].sum() for entry in entries])
        np.testing.assert_array_equal(weights[name], sums)
        np.testing.assert_array_equal(weights.take(slice(low, high))[name], sums[low:high])
        rows = np.array(some, dtype=int)
        np.testing.assert_array_equal(weights.take(rows)[name], sums[rows])
