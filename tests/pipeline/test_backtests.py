"""Tests of backtests of a subset of models."""

from __future__ import annotations

from lydite import pipeline
from lydite.models import make_models

MODELS = ("first_touch", "last_touch")


def test_some_models_can_be_backtested_alone(engine):
    models = make_models(MODELS)
    pipeline.backtest_models(engine, models, seed=0, only=["last_touch", "base_rate"])
    scored = engine.rows("select distinct model from ledger.scores order by model")
    assert scored == [("base_rate",), ("last_touch",)]
    pipeline.backtest_models(engine, models, seed=0)
    assert engine.scalar("select count(distinct model) from ledger.scores") == 5
