"""Tests of backtests of a subset of models."""

from __future__ import annotations

import numpy as np
import pytest

from lydite import pipeline
from lydite.models import make_models
from lydite.pipeline import backtests
from lydite.pipeline.costs import write_cost_shares

MODELS = ("first_touch", "last_touch")


def test_some_models_can_be_backtested_alone(engine):
    models = make_models(MODELS)
    pipeline.backtest_models(engine, models, seed=0, only=["last_touch", "base_rate"])
    scored = engine.rows("select distinct model from ledger.scores order by model")
    assert scored == [("base_rate",), ("last_touch",)]
    pipeline.backtest_models(engine, models, seed=0)
    assert engine.scalar("select count(distinct model) from ledger.scores") == 5


def test_a_sample_ends_with_the_last_period(engine):
    [row] = pipeline.read_outcomes(engine)
    calendar = pipeline.calendar_of(engine, row)
    last = engine.scalar("select max(happened_at) from evaluation.landmarks")
    assert last <= row["sampled_until"] == calendar.last_instant < row["mature_until"]
    assert (
        calendar.period_of(np.array([row["sampled_until"]], "datetime64[us]")) == len(calendar) - 1
    )
    write_cost_shares(engine, {})
    engine.create("mart.outcomes", "marts/outcomes")
    found = engine.rows("select landmarks, sampled_landmarks from mart.outcomes")
    assert found[0][0] == found[0][1] > engine.scalar("select count(*) from evaluation.landmarks")


def test_an_outcome_as_the_last_backtest_left_it_is_not_loaded_again(engine, monkeypatch):
    models, states = make_models(MODELS), iter(["one", "two", "two", "three"])
    monkeypatch.setattr(backtests, "_state", lambda *_: next(states))
    pipeline.backtest_models(engine, models, seed=0)
    monkeypatch.setattr(backtests, "load_sample", None)
    pipeline.backtest_models(engine, models, seed=0)
    with pytest.raises(TypeError):
        pipeline.backtest_models(engine, models, seed=0)
