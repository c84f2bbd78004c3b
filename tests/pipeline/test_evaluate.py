"""Backtests, comparison and credit in one step, with intervals of credit or without."""

from __future__ import annotations

import pytest

from lydite.models import make_models
from lydite.pipeline.evaluate import evaluate_models
from lydite.settings import EvaluationSettings


@pytest.mark.parametrize("intervals", [True, False])
def test_models_have_a_verdict_and_credit(engine, intervals):
    steps: list[str] = []
    models = make_models(["linear", "last_touch"])
    evaluate_models(engine, models, EvaluationSettings(), steps.append, intervals=intervals)
    compared = dict(engine.rows("select model, verdict from mart.model_comparison"))
    assert {name for name, verdict in compared.items() if verdict} == {"linear", "last_touch"}
    bounds = engine.scalar("select count(*) from credit.intervals")
    assert (bounds > 0) == intervals
    total = engine.scalar("select count(*) from journeys.conversions where path_length > 0")
    credited = "select sum(conversions) from credit.statistics where model = 'linear'"
    assert engine.scalar(credited) == pytest.approx(total)
    assert steps[0] == "drawing the evaluation sample"
    assert steps[-1] == "comparing models"
