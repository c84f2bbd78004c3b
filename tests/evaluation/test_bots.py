"""Bot-like users are set aside from the comparison of models, and are reported."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import lydite
from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.models import make_models
from lydite.settings import make_settings

MODELS = ["linear", "last_touch"]
WORLD = lydite.simulate("last_touch", users=1500, seed=2, variant="bots")
BOTS = WORLD.truth["bots"]


def run(touchpoints: pl.DataFrame) -> lydite.Comparison[pl.DataFrame]:
    conversions = WORLD.conversions
    return lydite.compare(touchpoints, conversions, models=MODELS, lookback="14d")


@pytest.fixture(scope="module")
def with_bots():
    return run(WORLD.touchpoints)


@pytest.fixture(scope="module")
def without():
    """Return the comparison without the touches of bots."""
    return run(WORLD.touchpoints.filter(~pl.col("user_id").is_in(bot_like())))


def test_the_world_has_bots():
    counts = WORLD.touchpoints["user_id"].value_counts()
    many = counts.filter(pl.col("count") > 100)["user_id"].to_list()
    assert set(many) <= set(BOTS)
    assert len(many) >= 0.9 * len(BOTS) > 10


def test_models_are_compared_as_if_there_were_no_bots(with_bots, without):
    columns = ["model", "log_loss_bits", "explained", "landmarks", "conversions", "verdict"]
    one, other = (result.table.select(columns).sort("model") for result in (with_bots, without))
    assert_frame_equal(one, other)


def bot_like() -> list[str]:
    """Return the bots: they have more touches than people, nine in ten of them on one channel."""
    return sorted(BOTS)


def test_the_warning_says_who_was_set_aside(with_bots, without):
    assert "bot_like_users" not in set(without.warnings["kind"])
    [text] = with_bots.warnings.filter(pl.col("kind") == "bot_like_users")["text"]
    touches = WORLD.touchpoints.filter(pl.col("user_id").is_in(bot_like()))
    assert text.startswith(f"{len(bot_like())} users (1.")
    share = touches.height / WORLD.touchpoints.height
    assert f"{touches.height:,} touches, {share:.0%} of all" in text
    assert "on 'display'. They are set aside from the comparison of models" in text


def test_their_touches_have_credit_like_all_others():
    [bot] = bot_like()[:1]
    last = WORLD.touchpoints.filter(pl.col("user_id") == bot)["touched_at"].max()
    conversion = WORLD.conversions.head(1).with_columns(
        pl.lit(bot).alias("user_id"),
        pl.lit(last).alias("converted_at"),
        pl.lit("of a bot").alias("conversion_id"),
    )
    result = lydite.credit(
        touchpoints=WORLD.touchpoints,
        conversions=pl.concat([WORLD.conversions, conversion]),
        models=["linear"],
        lookback="14d",
        intervals=False,
    )
    assert result.table["conversions"].sum() == pytest.approx(WORLD.conversions.height + 1)


def test_a_user_who_becomes_bot_like_restates_no_period():
    """Scores of the time before stay, and are not computed again."""
    world = lydite.simulate("last_touch", users=1500, seed=2)
    user = world.touchpoints["user_id"][0]
    last = world.touchpoints["touched_at"].max()
    settings = make_settings(lookback="7d")
    many = pl.concat(
        [
            world.touchpoints.head(1).with_columns(
                pl.lit(user).alias("user_id"),
                (pl.lit(last) - pl.duration(minutes=5 * n)).alias("touched_at"),
                pl.lit(f"many {n}").alias("touchpoint_id"),
            )
            for n in range(120)
        ]
    )
    with DuckDBEngine() as engine:
        for touchpoints in (world.touchpoints, pl.concat([world.touchpoints, many])):
            sources = {"touchpoints": touchpoints, "conversions": world.conversions}
            pipeline.run(engine, sources, settings, rivals=make_models(MODELS))
        assert engine.scalar("select count(*) from journeys.bot_like_users") == 1
        assert engine.scalar("select count(*) from evaluation.set_aside") > 0
        kinds = {kind for (kind,) in engine.rows("select kind from mart.warnings")}
    assert "bot_like_users" in kinds
    assert not {"restated", "replaced"} & kinds
