"""Tests of the steps that attribute conversions and build the marts."""

from __future__ import annotations

import polars as pl

from lydite import compare, simulate
from tests.helpers.journeys import few_journeys


def test_credit_shows_the_range_over_the_models_that_stand():
    world = simulate("last_touch", users=4000, seed=1, weeks=16)
    models = ["first_touch", "last_touch", "last_non_direct"]
    result = compare(world.touchpoints, world.conversions, models=models, lookback="7d")
    verdicts = dict(result.table.select("model", "verdict").rows())
    assert verdicts["first_touch"] == "refuted"
    standing = [model for model in models if verdicts[model] != "refuted"]
    expected = (
        result.credit.filter(pl.col("model").is_in(standing))
        .group_by("channel")
        .agg(low=pl.col("conversions").min(), high=pl.col("conversions").max())
    )
    found = result.credit.join(expected, on="channel")
    assert found["standing_low"].equals(found["low"])
    assert found["standing_high"].equals(found["high"])


def test_a_refund_is_subtracted_from_the_channels_of_its_order():
    sources = few_journeys(20)
    orders = sources["conversions"].with_columns(
        value=pl.lit(100.0), conversion_id=pl.int_range(pl.len()).cast(pl.String)
    )
    later = pl.col("converted_at") + pl.duration(days=9)
    refunds = orders.head(5).with_columns(later, value=pl.lit(-100.0))
    reloads = orders.tail(4).with_columns(pl.col("converted_at") + pl.duration(minutes=5))
    with_refunds = pl.concat([orders, refunds, reloads])
    result = compare(sources["touchpoints"], with_refunds, models=["last_touch"])
    credit_of = {row["channel"]: row for row in result.credit.to_dicts()}
    assert (credit_of["mail"]["conversions"], credit_of["mail"]["value"]) == (20, 1500)
    assert (credit_of["(unattributed)"]["conversions"], credit_of["ad"]["value"]) == (0, 0)
    assert result.quarantined == {"conversions": {"repeated_id": 4}}
    assert result.duplicates == {}
    texts = dict(result.warnings.select("kind", "text").rows())
    assert texts["refund"].startswith("5 refunds were subtracted")
