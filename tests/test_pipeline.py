"""Tests of the pipeline: the order of its steps, usable models, and subsets of models."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from lydite import compare, pipeline, simulate
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models import make_models
from lydite.settings import make_settings
from tests.helpers.input_tables import make_inputs

LOOKBACKS = {"conversion": timedelta(days=7)}
MODELS = ("first_touch", "last_touch")


@pytest.fixture(scope="module")
def sources():
    world = simulate("last_touch", users=1500, seed=1, weeks=10)
    return {"touchpoints": world.touchpoints, "conversions": world.conversions}


@pytest.fixture
def engine(sources):
    """Yield an engine with journeys and samples."""
    with DuckDBEngine(threads=1) as engine:
        pipeline.load_inputs(engine, sources)
        pipeline.build_journeys(engine, LOOKBACKS, "week")
        pipeline.build_samples(engine, 100_000)
        yield engine


def test_run_takes_all_steps_in_order(sources):
    steps = []
    with DuckDBEngine(threads=1) as engine:
        settings = make_settings("7d", "week", None, alpha=0.05, seed=0)
        pipeline.run(engine, sources, settings, steps.append, make_models(MODELS))
        assert all(engine.exists(f"mart.{name}") for name in pipeline.MARTS)
        models = engine.rows("select distinct model from ledger.scores order by model")
    # Backtest and attribution of an outcome follow each other: they share its sample.
    assert [step.rpartition(": ")[2].split()[0] for step in steps] == [
        "reading", "building", "drawing", "backtesting", "attributing", "comparing", "writing",
    ]  # fmt: skip
    assert [name for (name,) in models] == [
        "base_rate", "ceiling", "first_touch", "last_touch", "touch_volume",
    ]  # fmt: skip


def test_an_outcome_keeps_its_lookback(engine):
    [row] = pipeline.read_outcomes(engine)
    assert row["lookback"] == "7d"
    assert row["mature_until"] == row["as_of"] - LOOKBACKS["conversion"]
    assert pipeline.calendar_of(engine, row).lookback == LOOKBACKS["conversion"]


def test_too_short_a_history_is_an_error():
    start = datetime(2026, 1, 1)
    with DuckDBEngine() as engine:
        make_inputs(engine, [("ann", start, "tv")], [("ann", start + timedelta(hours=1))])
        pipeline.write_report(engine, [])
        with pytest.raises(InputError, match="too short a history"):
            pipeline.build_journeys(engine, LOOKBACKS, "week")


def all_converting_users(sources):
    """Return the touchpoints of users who convert at some time."""
    touches = sources["touchpoints"]
    converted = touches["user_id"].is_in(sources["conversions"]["user_id"].implode())
    return {**sources, "touchpoints": touches.filter(converted)}


def test_no_verdict_but_credit_where_every_user_converts(sources):
    result = compare(
        **all_converting_users(sources), lookback="7d", models=["linear", "last_touch"]
    )
    (counts,) = result.outcomes
    assert counts["note"] == pipeline.EVERY_USER_CONVERTS
    assert result.table.is_empty()
    assert result.verdict().startswith("No verdict on conversion. Every user with a touchpoint")
    credit = result.credit.group_by("model").agg(pl.col("conversions").sum())
    assert dict(credit.rows()) == pytest.approx(
        dict.fromkeys(("linear", "last_touch"), counts["conversions"])
    )
    assert result.to_dict()["outcomes"]["conversion"]["models"] == []
    assert "No verdict" in result._repr_html_()


def test_other_outcomes_keep_their_verdicts_where_every_user_converts_once(sources):
    first = sources["touchpoints"].group_by("user_id").agg(pl.col("touched_at").max())
    leads = first.select(
        "user_id", pl.col("touched_at").alias("converted_at"), outcome=pl.lit("lead")
    )
    conversions = pl.concat(
        [
            sources["conversions"].select("user_id", "converted_at", outcome=pl.lit("purchase")),
            leads.cast({"converted_at": sources["conversions"]["converted_at"].dtype}),
        ]
    )
    result = compare(
        sources["touchpoints"], conversions, lookback="7d", models=["linear", "last_touch"]
    )
    notes = {counts["outcome"]: counts["note"] for counts in result.outcomes}
    assert notes == {"lead": pipeline.EVERY_USER_CONVERTS, "purchase": ""}
    assert set(result.table["outcome"]) == {"purchase"}
    assert set(result.credit["outcome"]) == {"lead", "purchase"}


def test_models_that_cannot_run_are_left_out_unless_required(engine):
    names = [f"channel {n}" for n in range(40)]
    engine.create("journeys.channels", f"select unnest({names}) as channel, 0 as channel_key")
    models = make_models(["linear", "shapley"])
    usable = pipeline.usable_models(engine, models, required=False)
    assert [model.name for model in usable] == ["linear"]
    [(name, reason)] = engine.rows("from evaluation.left_out")
    assert name == "shapley"
    with pytest.raises(InputError) as error:
        pipeline.usable_models(engine, models, required=True)
    assert str(error.value) == reason


def test_some_models_can_be_backtested_alone(engine):
    models = make_models(MODELS)
    pipeline.backtest_models(engine, models, seed=0, only=["last_touch", "base_rate"])
    scored = engine.rows("select distinct model from ledger.scores order by model")
    assert scored == [("base_rate",), ("last_touch",)]
    pipeline.backtest_models(engine, models, seed=0)
    assert engine.scalar("select count(distinct model) from ledger.scores") == 5
