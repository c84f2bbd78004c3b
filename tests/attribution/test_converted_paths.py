"""Tests of converted paths: their sets of channels, numbered and counted."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta

import numpy as np
import pytest

from lydite import attribution, journeys
from lydite.attribution.converted_paths import converted_path_tables, load_channel_sets
from lydite.engine import DuckDBEngine
from tests.helpers.input_tables import make_inputs

START = datetime(2025, 1, 1)


@pytest.mark.parametrize("channels", [1, 5, 60, 61, 150])
def test_channel_sets_are_distinct_and_counted_by_bucket(channels):
    rng = np.random.default_rng(channels)
    touches = [
        (f"u{u}", START + timedelta(hours=hour), f"channel {rng.integers(channels)}")
        for u in range(300)
        for hour in range(int(rng.integers(0, 5)))
    ]
    conversions = [(f"u{u}", START + timedelta(hours=9), "conversion", 1.0 * u) for u in range(300)]
    with DuckDBEngine() as engine:
        make_inputs(engine, touches, conversions)
        journeys.build_touches(engine)
        journeys.build_path_events_and_conversions(engine, {"conversion": timedelta(days=1)})
        names = attribution.channel_names(engine)
        with converted_path_tables(engine, "conversion", len(names)):
            found = load_channel_sets(engine, names)
        assert not engine.exists("credit.paths")
        buckets = dict(engine.rows("select user_id, bucket from journeys.users"))
    channels_of: dict[str, set[str]] = {}
    for user, _, channel in touches:
        channels_of.setdefault(user, set()).add(channel)
    expected, value = Counter(), Counter()
    for user, own in channels_of.items():
        expected[frozenset(own), buckets[user]] += 1
        value[frozenset(own), buckets[user]] += float(user[1:])
    counted = found.counted
    sets = [set() for _ in range(len(counted))]
    for row, channel in zip(counted.path.row, counted.path.channel, strict=True):
        sets[row].add(names[channel])
    keys = [(frozenset(own), unit) for own, unit in zip(sets, counted.unit, strict=True)]
    assert dict(zip(keys, counted.conversions, strict=True)) == expected
    assert dict(zip(keys, counted.value, strict=True)) == value
    assert len(found.sets) == len({frozenset(own) for own in channels_of.values()})


def test_no_conversion_with_a_path_gives_no_sets():
    with DuckDBEngine() as engine:
        make_inputs(engine, [("u", START, "a")], [("v", START)])
        journeys.build_touches(engine)
        journeys.build_path_events_and_conversions(engine, {"conversion": timedelta(days=1)})
        with converted_path_tables(engine, "conversion", 1):
            found = load_channel_sets(engine, ["a"])
    assert len(found.sets) == len(found.counted) == 0
