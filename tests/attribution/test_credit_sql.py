"""Tests of the SQL statements of attribution, run on small tables."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.attribution.converted_paths import FOREVER
from lydite.attribution.credit_sql import (
    bucket_credit_sql,
    channel_sets_sql,
    credit_sums_sql,
    touch_credit_sql,
)
from lydite.engine import DuckDBEngine
from lydite.models import make_models

PATHS = """
select
    conversion_key, conversion_key % 2 as bucket, 'sale' as outcome, 1 as user_key,
    conversion_key as conversion, timestamp '2026-01-01' as converted_at,
    date '2026-01-01' as converted_on, 10.0 * conversion_key as value, position as touch,
    timestamp '2026-01-01' as touched_at, null as campaign, channel_key, position, path_length,
    path_length - position + 1 as position_from_end
from (
    values (1, 0, 1, 3), (1, 1, 2, 3), (1, 0, 3, 3), (2, 1, 1, 1)
) as touches (conversion_key, channel_key, position, path_length)
"""


@pytest.fixture
def engine():
    with DuckDBEngine() as engine:
        engine.create("credit.paths", PATHS)
        engine.create("credit.path_channels", "credit/path_channels")
        engine.create("credit.channel_sets", channel_sets_sql(2))
        # Of the set {0, 1} channel 0 earns three quarters, of the set {1} channel 1 everything.
        engine.create(
            "credit.set_shares",
            "select set_key, channel_key, case count(*) over (partition by set_key)"
            " when 1 then 1.0 else 0.75 - 0.5 * channel_key end as shapley"
            " from credit.channel_sets as sets inner join credit.path_channels as path_channels"
            " on sets.conversion_key = path_channels.conversion_key",
        )
        yield engine


@pytest.mark.parametrize("channels", [1, 59, 60, 61, 121, 130])
def test_sets_are_numbered_by_their_channels(channels):
    rng = np.random.default_rng(channels)
    sets = [frozenset(rng.choice(channels, rng.integers(1, 4)).tolist()) for _ in range(200)]
    rows = ", ".join(f"({n}, {key})" for n, own in enumerate(sets) for key in own)
    with DuckDBEngine() as engine:
        engine.create(
            "credit.path_channels",
            f"select * from (values {rows}) as entries (conversion_key, channel_key)",
        )
        numbers = dict(engine.rows(channel_sets_sql(channels)))
    assert len(numbers) == len(sets)
    pairs = {(own, numbers[n]) for n, own in enumerate(sets)}
    assert len(pairs) == len(set(sets)) == len(set(numbers.values()))
    assert set(numbers.values()) == set(range(len(pairs)))


def test_touches_have_the_weight_of_rules_and_split_the_share_of_their_channel(engine):
    models = make_models(["last_touch", "linear", "shapley"])
    rows = engine.frame(touch_credit_sql(models)).sort("conversion", "touch")
    assert rows["last_touch"].to_list() == [0, 0, 1, 1]
    assert rows["linear"].to_list() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1])
    assert rows["shapley"].to_list() == pytest.approx([0.375, 0.25, 0.375, 1])


def test_credit_is_summed_by_bucket_and_channel(engine):
    weights = {"first": "case when position = 1 then 1 end", "nothing": "0"}
    rows = engine.frame(bucket_credit_sql(weights), {"until": FOREVER}).sort(
        "bucket", "channel_key"
    )
    assert rows.select("bucket", "channel_key").rows() == [(0, 1), (1, 0), (1, 1)]
    assert rows["first"].to_list() == [1, 1, 0]
    assert rows["value of first"].to_list() == [20, 10, 0]
    # Without any weight, the touches of a path share equally.
    assert rows["nothing"].to_list() == pytest.approx([1, 2 / 3, 1 / 3])


def test_sums_have_a_row_for_each_model(engine):
    models = make_models(["first_touch", "last_touch"])
    engine.create(
        "credit.touch_credit",
        "select outcome, bucket, channel_key, value, 1.0 as first_touch, 0.5 as last_touch"
        " from credit.paths",
    )
    statement = credit_sums_sql(models, "bucket, channel_key")
    rows = engine.frame(statement, {"outcome": "sale"}).sort("model", "bucket", "channel_key")
    assert rows["model"].to_list() == ["first_touch"] * 3 + ["last_touch"] * 3
    assert rows["conversions"].to_list() == [1, 2, 1, 0.5, 1, 0.5]
    assert rows["value"].to_list() == [20, 20, 10, 10, 10, 5]
    assert engine.rows(statement, {"outcome": "lead"}) == []
