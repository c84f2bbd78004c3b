"""Tests of the step that compares the models, and of the findings that it reports."""

from __future__ import annotations

import polars as pl
import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models import make_models
from lydite.settings import make_settings
from tests.helpers.journeys import few_journeys

MODELS = ("first_touch", "last_touch")


def test_models_are_compared_by_the_scores_in_the_ledger(engine):
    models = make_models(MODELS)
    pipeline.backtest_models(engine, models, seed=0)
    evaluation = make_settings(lookback="7d").evaluation
    pipeline.compare_models(engine, models, evaluation)
    first = engine.frame("from mart.model_comparison order by all")
    assert set(first["model"]) == {*MODELS, "base_rate", "touch_volume", "ceiling"}
    pipeline.compare_models(engine, models, evaluation)
    assert engine.frame("from mart.model_comparison order by all").equals(first)


def test_an_outcome_that_was_not_compared_is_refused_without_a_comparison(engine):
    with pytest.raises(InputError, match="not compared on '.*' yet: run the job refresh"):
        pipeline.refuse_uncompared(engine)
    models = make_models(MODELS)
    pipeline.backtest_models(engine, models, seed=0)
    pipeline.compare_models(engine, models, make_settings(lookback="7d").evaluation)
    pipeline.refuse_uncompared(engine)


def test_a_channel_that_gives_an_outcome_away_is_named_with_the_outcome():
    sources = few_journeys(60)
    before = pl.col("touched_at") - pl.duration(days=4)
    others = sources["touchpoints"].with_columns(before, user_id="other " + pl.col("user_id"))
    thanks = sources["touchpoints"].filter(pl.col("channel") == "mail").with_columns(
        pl.col("touched_at") + pl.duration(minutes=59), channel=pl.lit("thanks")
    )  # fmt: skip
    orders = sources["conversions"].with_columns(outcome=pl.lit("order"))
    leads = orders.with_columns(
        pl.col("converted_at") - pl.duration(days=4), outcome=pl.lit("lead")
    )
    with DuckDBEngine() as engine:
        given = {
            "touchpoints": pl.concat([sources["touchpoints"], others, thanks]),
            "conversions": pl.concat([orders, leads]),
        }
        settings = make_settings(lookback="7d")
        found = pipeline.attribute(engine, given, settings, rivals=make_models(MODELS))
    [text] = [text for kind, text in found if kind == "outcome_channel"]
    assert text.startswith("order: ")
    assert "'thanks'" in text
