"""Scoring: only missing and changed periods are backtested."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lydite import pipeline, simulate
from lydite.engine import DuckDBEngine
from lydite.evaluation import scoring
from lydite.evaluation.scoring import ceiling_fingerprint, score_ceiling, score_models
from lydite.journeys import find_outcomes
from lydite.models import choose
from lydite.settings import make_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

SCORES = "select * from ledger.scores order by all"


@pytest.fixture(scope="module")
def engine() -> Iterator[DuckDBEngine]:
    world = simulate("linear", users=1_500, seed=2, weeks=16)
    settings = make_settings(lookback="14d")
    with DuckDBEngine(threads=1) as engine:
        sources = {"touchpoints": world.touchpoints, "conversions": world.conversions}
        pipeline.load_inputs(engine, sources)
        pipeline.build_journeys(
            engine, settings.lookbacks(find_outcomes(engine)), settings.evaluation.period
        )
        pipeline.build_samples(engine, settings.evaluation.max_landmarks)
        yield engine


def test_scoring_again_backtests_nothing_and_adds_nothing(engine, monkeypatch):
    models = choose(["linear", "last_touch"])
    [(outcome, calendar, split)] = pipeline.load_splits(engine, models)
    score_models(engine, outcome, models, calendar, split)
    score_ceiling(engine, outcome, models, calendar, split, seed=0)
    first = engine.rows(SCORES)
    found = {model for (model,) in engine.rows("select distinct model from ledger.scores")}
    assert found == {"linear", "last_touch", "ceiling"}
    for function in ("backtest_segments", "ceiling_scores"):
        monkeypatch.setattr(scoring, function, lambda *_: pytest.fail("backtested again"))
    score_models(engine, outcome, models, calendar, split)
    score_ceiling(engine, outcome, models, calendar, split, seed=0)
    assert engine.rows(SCORES) == first


def test_the_fingerprint_of_the_ceiling_depends_on_models_and_seed():
    one, other = choose(["linear"]), choose(["linear", "last_touch"])
    assert len({ceiling_fingerprint(*own) for own in ((one, 0), (other, 0), (one, 1))}) == 3
