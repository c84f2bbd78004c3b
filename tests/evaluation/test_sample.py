"""Evaluation sample: whole buckets, and the weights of every rule on every path."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from lydite import journeys
from lydite.attribution import touch_credit
from lydite.engine import DuckDBEngine
from lydite.evaluation.sample import build_sample, count_sample_buckets, load_sample
from lydite.models import make_models
from lydite.paths.landmarks import N_BUCKETS
from tests.helpers.input_tables import make_inputs

MATURE = datetime(2025, 3, 1)
MODELS = make_models()
CHANNELS = ["search", "direct", "mail", "social"]


@pytest.fixture(scope="module")
def engine():
    rng = np.random.default_rng(0)
    start = datetime(2025, 1, 1)
    touches = [
        (f"u{u}", start + timedelta(hours=float(h)), str(rng.choice(CHANNELS)))
        for u in range(150)
        for h in rng.uniform(0, 24 * 80, rng.integers(1, 8))
    ]
    conversions = [
        (f"u{u}", start + timedelta(hours=float(rng.uniform(0, 24 * 80)))) for u in range(0, 150, 3)
    ]
    with DuckDBEngine() as engine:
        make_inputs(engine, touches, conversions)
        journeys.build_touches(engine)
        journeys.build_path_events_and_conversions(engine, {"conversion": timedelta(days=30)})
        yield engine


@pytest.fixture(scope="module")
def sample(engine):
    assert build_sample(engine, "conversion", MATURE) == N_BUCKETS
    names = [
        c for (c,) in engine.rows("select channel from journeys.channels order by channel_key")
    ]
    return load_sample(engine, "conversion", names, MODELS)


def test_every_mature_landmark_is_in_the_sample_once(engine, sample):
    rows = engine.rows(
        "select count(*), sum(converted::int) from journeys.path_events"
        " where not is_conversion and happened_at <= timestamp '2025-03-01'"
    )
    assert (len(sample), sample.converted.sum()) == rows[0]
    assert sample.happened_at.max() <= np.datetime64(MATURE)
    assert sample.bucket.min() >= 0
    assert sample.bucket.max() < N_BUCKETS


def test_paths_have_the_weights_of_the_rules(engine, sample):
    paths = engine.frame(
        "select landmarks.landmark as path, path_touches.* from journeys.path_touches"
        " inner join evaluation.landmarks on landmarks.user_key = path_touches.user_key"
        " and landmarks.touch = path_touches.event_touch where not path_touches.is_conversion"
    )
    n, c = len(sample), len(sample.channels)
    number = paths["channel_key"].to_numpy()
    for model in MODELS:
        if model.learns:
            continue
        expected = np.zeros((n, c))
        np.add.at(expected, (paths["path"].to_numpy(), number), touch_credit(model, paths))
        features = model.encode(sample)
        found = features.rows[features.inverse]
        np.testing.assert_allclose(found, expected, atol=2.5 / 118)
    np.testing.assert_array_equal(
        np.bincount(sample.paths.path_channels.row, sample.paths.path_channels.touches),
        sample.paths.length,
    )


def test_columns_of_weights_are_sums_over_the_channels_touches(engine, sample):
    paths = engine.frame(
        "select landmark, path_touches.channel_key,"
        " sum(power(0.5, hours_before_end / 72.0)) as left_over"
        " from journeys.path_touches inner join evaluation.landmarks"
        " on landmarks.user_key = path_touches.user_key"
        " and landmarks.touch = path_touches.event_touch"
        " where not path_touches.is_conversion"
        " group by landmark, path_touches.channel_key order by landmark, path_touches.channel_key"
    )
    for column in ("strength after 72 h", "time_decay_fitted 72 h"):
        np.testing.assert_allclose(
            sample.landmark_paths.path_channels([column]).weights[column],
            paths["left_over"].to_numpy(),
            rtol=1e-6,
        )


def test_the_next_event_comes_within_the_lookback(sample):
    assert (sample.hours_to_next >= 0).all()
    ends = ~sample.converted & (sample.next_channel < 0)
    assert len(np.unique(sample.hours_to_next[ends])) == 1  # the lookback itself
    assert (sample.hours_to_next[~ends] < sample.hours_to_next.max()).all()


def test_history_and_hours_agree_with_the_path(sample):
    alone = sample.path_length == 1
    assert np.isnan(sample.hours_since_previous[alone]).all()
    assert (sample.hours_since_previous[~alone] >= 0).all()
    assert (sample.hours_since_first[alone] == 0).all()
    np.testing.assert_array_equal(
        (sample.history >= 0).sum(axis=1), np.minimum(4, sample.path_length)
    )
    assert not (sample.converted & (sample.next_channel >= 0)).any()


def test_a_limited_sample_has_whole_buckets(engine, sample):
    counts = np.bincount(sample.bucket, minlength=N_BUCKETS).cumsum()
    for most in (counts[40], counts[40] + 1, counts[200], 10**9):
        buckets = count_sample_buckets(engine, "conversion", MATURE, int(most))
        assert counts[buckets - 1] <= most
        assert buckets == N_BUCKETS or counts[buckets] > most
    assert count_sample_buckets(engine, "conversion", MATURE, 0) >= 1


def test_a_smaller_sample_replaces_the_larger(engine, sample):
    buckets = build_sample(engine, "conversion", MATURE, max_landmarks=200)
    small = load_sample(engine, "conversion", sample.channels, MODELS)
    kept = sample.bucket < buckets
    assert 0 < len(small) <= 200
    np.testing.assert_array_equal(small.happened_at, sample.happened_at[kept])
    np.testing.assert_array_equal(small.path_length, sample.path_length[kept])


def test_the_order_of_rows_in_the_table_does_not_matter(engine, sample):
    build_sample(engine, "conversion", MATURE)
    engine.run(
        "create or replace table evaluation.landmarks as"
        " select * from evaluation.landmarks order by md5(cast(landmark as varchar))"
    )
    again = load_sample(engine, "conversion", sample.channels, MODELS)
    for name in ("happened_at", "bucket", "converted", "path", "hours_since_previous"):
        np.testing.assert_array_equal(getattr(again, name), getattr(sample, name))
    column = "strength after 72 h"
    np.testing.assert_array_equal(
        again.landmark_paths.path_channels([column]).weights[column],
        sample.landmark_paths.path_channels([column]).weights[column],
    )
