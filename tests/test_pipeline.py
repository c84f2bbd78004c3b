"""Tests of the pipeline: the order of its steps, usable models, and subsets of models."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lydite import pipeline, simulate
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
