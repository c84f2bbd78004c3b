"""Random path tables, and their transitions counted in plain Python or from landmarks."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import polars as pl
from hypothesis import strategies as st

from lydite.models.transitions import TransitionCounts
from lydite.paths.landmarks import ExpandedPaths

ORDERS = (1, 2, 3, 4)
A, B, C = range(3)


def count_paths(paths, conversions, nulls, order):
    """Count moves by reading each path touch by touch; histories are oldest first."""
    counts = defaultdict(lambda: defaultdict(float))
    for path, hits, misses in zip(paths, conversions, nulls, strict=True):
        if hits + misses == 0:
            continue
        state = "start"
        for channel in path:
            previous = (-1,) * order if state == "start" else state
            following = (*previous[1:], channel)
            counts[state][following] += hits + misses
            state = following
        counts[state]["conversion"] += hits
        counts[state]["null"] += misses
    return counts


@st.composite
def path_tables(draw, max_channels=4):
    n_channels = draw(st.integers(1, max_channels))
    path = st.lists(st.integers(0, n_channels - 1), min_size=1, max_size=9)
    paths = draw(st.lists(path, min_size=1, max_size=12))
    counts = st.lists(st.integers(0, 5), min_size=len(paths), max_size=len(paths))
    return paths, draw(counts), draw(counts), n_channels


def landmark_counts(paths, conversions, nulls):
    """Write paths as `sql/journeys/transitions.sql` would count them."""
    rows = []
    for path, hits, misses in zip(paths, conversions, nulls, strict=True):
        for i, channel in enumerate(path):
            before = [path[i - back] if i >= back else None for back in (3, 2, 1)]
            if i + 1 < len(path):
                rows.append((*before, channel, path[i + 1], False, i % 2, hits + misses))
            else:
                rows.append((*before, channel, None, True, i % 2, hits))
                rows.append((*before, channel, None, False, i % 2, misses))
    whole = pl.Int16
    return pl.DataFrame(
        rows,
        schema={
            "previous_3": whole, "previous_2": whole, "previous_1": whole, "channel_key": whole,
            "next_channel_key": whole, "converted": pl.Boolean, "bucket": whole,
            "landmarks": pl.Int64,
        },
        orient="row",
    )  # fmt: skip


def from_landmark_counts(frame, order, n_channels):
    """Count from landmarks given as a frame, each row standing for many."""
    names = ["channel_key", "previous_1", "previous_2", "previous_3"]
    channels = frame.select(pl.col(*names, "next_channel_key").cast(pl.Int64).fill_null(-1))
    touches = ExpandedPaths(
        row=np.arange(len(frame)),
        position=np.zeros(len(frame), dtype=int),
        history=channels.select(names).to_numpy(),
        next_channel=channels["next_channel_key"].to_numpy(),
        converted=frame["converted"].to_numpy(),
        count=frame["landmarks"].cast(pl.Float64).to_numpy(),
    )
    names = tuple(map(str, range(n_channels)))
    unit = np.arange(len(frame)) % 3
    return TransitionCounts.counted(touches, names, order, unit, 3).total()
