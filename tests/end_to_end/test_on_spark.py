"""The whole run on Spark: the same verdicts, credit and marts as on DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lydite import pipeline, simulate
from lydite.api.arguments import open_engine
from lydite.engine import DuckDBEngine, SparkEngine
from lydite.errors import InputError
from lydite.evaluation import segment_results
from lydite.evaluation.comparison import TABLES
from lydite.models import choose, make_rule
from lydite.pipeline.on_spark import refuse_on_spark
from lydite.results import read_comparison
from lydite.settings import make_settings, parse_settings
from tests.helpers.both_engines import same
from tests.helpers.shop import shop

if TYPE_CHECKING:
    from lydite.models import Model
    from lydite.results import Comparison

# One test worker starts the Java machine: the group keeps these tests together.
pytestmark = pytest.mark.xdist_group("spark")


def rivals() -> list[Model]:
    """Return a model of each kind: a rule, and models fitted on channel sets, paths and times."""
    by_name = make_rule("email", "case when channel = 'email' then 2 else 1.0 / position end")
    names = ("last_touch", "time_decay_fitted", "markov_2", "additive_hazard")
    return choose([*names, by_name])


def compared(engine: DuckDBEngine | SparkEngine) -> Comparison:
    world = simulate("storefront", users=1_500, seed=3, weeks=16)
    sources = {
        "touchpoints": world.touchpoints,
        "conversions": world.conversions,
        "spend": world.spend,
        "users": world.users,
    }
    settings = make_settings(lookback="14d", outcomes=["lead"])
    pipeline.run(engine, sources, settings, rivals=rivals())
    return read_comparison(engine.local)


def test_the_result_equals_that_of_duckdb(spark, monkeypatch):
    """Text, counts and verdicts are equal, and floats to nine digits."""
    monkeypatch.setattr(segment_results, "MIN_SEGMENT_CONVERSIONS", 10)
    with DuckDBEngine(threads=1) as duckdb, SparkEngine(spark.session) as engine:
        one, other = compared(duckdb), compared(engine)
    assert other.outcomes == one.outcomes
    assert other.quarantined == one.quarantined
    assert other.verdict() == one.verdict()
    for name in (*pipeline.MARTS, *TABLES):
        mart = other.marts[name]
        assert_frame_equal(one.marts[name], mart, check_dtypes=False, rel_tol=1e-9, abs_tol=1e-9)
        written = spark.session.table(f"lydite_mart.{name}")  # on Spark
        assert (written.columns, written.count()) == (mart.columns, mart.height)
    on_driver = {name: (one.marts[name], other.marts[name]) for name in pipeline.LOOKBACK_MARTS}
    on_driver["touch_credit"] = one.touch_credit, other.touch_credit
    for left, right in on_driver.values():
        assert left.height > 0
        assert_frame_equal(left, right, check_dtypes=False, rel_tol=1e-9, abs_tol=1e-9)
    assert one.marts["channel_credit"].height > 30
    assert one.marts["model_comparison"]["segment"].n_unique() > 3


def test_a_rule_with_another_meaning_on_spark_is_an_error_before_the_run(spark):
    odd = make_rule("odd", "case when regexp_matches(channel, 'e') then 1 else 2 end")
    with SparkEngine(spark.session, prefix="odd_") as engine:
        engine.create("journeys.channels", "select 0 as channel_key, 'tv' as channel")
        with pytest.raises(InputError, match="'odd' cannot run on this engine"):
            pipeline.usable_models(engine, [odd], required=True)


def test_a_spark_frame_is_processed_in_its_session(spark):
    with open_engine({"touchpoints": spark.session.range(1)}) as engine:
        assert engine.session is spark.session
    with open_engine({"touchpoints": "touchpoints.parquet"}) as engine:
        assert engine.local is engine


def test_time_zones_and_lookbacks_by_interaction_are_refused(spark):
    world = simulate("linear", users=50, seed=1)
    sources = {"touchpoints": world.touchpoints, "conversions": world.conversions}
    for options, message in (
        ({"timezone": "Europe/Berlin"}, "timezone = 'Europe/Berlin' needs the engine duckdb"),
        ({"click_priority": True}, "click_priority do not run on Spark"),
    ):
        settings = make_settings(lookback="14d", **options)
        with SparkEngine(spark.session) as engine, pytest.raises(InputError, match=message):
            pipeline.run(engine, sources, settings, rivals=choose(["linear"]))


# --- what projects use ----------------------------------------------------------------------------


def shop_in_two_currencies(folder):
    """Return sources and settings: names of channels, rules, currencies, outcomes, clusters."""
    frames = {name: pl.from_pandas(frame) for name, frame in shop().items()}
    orders = frames["conversions"]
    currency = pl.Series("currency", ["EUR", "USD"] * (orders.height // 2))
    frames["conversions"] = orders.with_columns(currency)
    (folder / "rates.csv").write_text("date,currency,rate\n2025-12-01,USD,0.5\n")
    return frames, {
        "currency": {"reporting": "EUR", "rates": str(folder / "rates.csv")},
        "channels": {"direct": ["Mail"]},
        "quality": {
            "keep_duplicates": True,
            "rules": {"near_duplicates": {"severity": "set_aside", "threshold": 5}},
        },
        "outcomes": {
            "conversion": {
                "first_only": True, "after_conversion": "restart", "delivery_delay": "2d",
            }
        },
        "evaluation": {"cluster": "region"},
    }  # fmt: skip


def test_what_projects_use_is_the_same_on_both_engines(spark, tmp_path):
    frames, values = shop_in_two_currencies(tmp_path)
    sources = dict.fromkeys(frames, "frame")
    settings = parse_settings({"sources": sources, **values}, "settings")
    refuse_on_spark(settings)
    with DuckDBEngine(threads=1) as one, SparkEngine(spark.session) as other:
        for engine in (one, other):
            pipeline.prepare(engine, frames, settings)
        for table in ("channels", "touches", "conversions", "path_events"):
            same(one, other, f"from journeys.{table}")
        same(one, other, "select outcome, sum(value) from inputs.conversions group by outcome")
        same(one, other, "select count(*) from quarantine.touchpoints")
        marts = ["inputs.report"]
        for table in marts:
            same(one.local, other.local, f"from {table}")
        assert one.scalar("select count(*) from journeys.path_events") > 100
