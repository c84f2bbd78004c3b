"""Tests of fits for credit: the landmarks they use, and the conversions of their replicates."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pytest

from lydite import attribution, journeys
from lydite.attribution.converted_paths import converted_path_tables
from lydite.attribution.fits import _choose_candidates, fit_models
from lydite.engine import DuckDBEngine
from lydite.evaluation.sample import build_sample, load_sample
from lydite.models import make_model, make_models
from lydite.models.fitted_rules import FittedRule
from tests.helpers.input_tables import make_inputs
from tests.helpers.random_landmarks import draw_landmarks, with_weights

START = datetime(2025, 1, 1)
MODELS = make_models(["position_based_fitted", "markov_1", "additive_hazard", "linear"])


def test_a_fitted_rule_uses_a_subset_of_landmarks_from_every_bucket(monkeypatch):
    rule = make_model("position_based_fitted")
    drawn = draw_landmarks(np.random.default_rng(0), 9000, channels=3)
    landmarks = with_weights(drawn, rule)
    monkeypatch.setattr(FittedRule, "enough_landmarks", 4000)
    seen = []
    statistics = FittedRule.sufficient_statistics
    monkeypatch.setattr(
        FittedRule, "sufficient_statistics", lambda *args: seen.append(args[1]) or statistics(*args)
    )
    assert len(_choose_candidates(rule, landmarks, attribution.draw_buckets(256, 0, 5))) == 5
    [used] = seen
    assert len(used) == 3000
    assert len(np.unique(used.bucket)) == 256


@pytest.fixture(scope="module")
def engine():
    rng = np.random.default_rng(2)
    touches = [
        (f"u{u}", START + timedelta(hours=float(h)), str(rng.choice(["mail", "search"])), None,
         None, None)
        for u in range(300)
        for h in rng.uniform(0, 24 * 60, 3)
    ]  # fmt: skip
    conversions = [
        (f"u{u}", START + timedelta(hours=float(rng.uniform(24, 24 * 60))), "lead", 2.0, None)
        for u in range(0, 300, 2)
    ]
    with DuckDBEngine(threads=1) as engine:
        make_inputs(engine, touches, conversions)
        journeys.build_touches(engine)
        journeys.build_path_events_and_conversions(engine, {"lead": timedelta(days=30)})
        build_sample(engine, "lead", START + timedelta(days=30))
        yield engine


def test_replicates_have_the_conversions_up_to_an_instant(engine):
    until = START + timedelta(days=40)
    channels = attribution.channel_names(engine)
    landmarks = load_sample(engine, "lead", channels, MODELS)
    ones = np.ones((1, 256))
    with converted_path_tables(engine, "lead", len(channels)):
        fits = fit_models(engine, MODELS, landmarks, ones, until)
    assert [model.name for model in fits.models] == [model.name for model in MODELS]
    assert set(fits.replicates) == {model.name for model in MODELS if model.learns}
    early = engine.scalar(
        "select count(*) from journeys.conversions"
        " where path_length > 0 and converted_at <= $until",
        {"until": until},
    )
    assert 0 < early < 0.9 * engine.scalar("select count(*) from journeys.conversions")
    for name, replicates in fits.replicates.items():
        assert replicates.conversions.sum() == pytest.approx(early), name
        assert replicates.value.sum() == pytest.approx(2 * early), name


def test_intervals_with_all_conversions_hold_later_ones_too(engine):
    channels = attribution.channel_names(engine)
    landmarks = load_sample(engine, "lead", channels, MODELS)
    bounds = []
    for until in (START + timedelta(days=50), START + timedelta(days=99)):
        attribution.reset_credit_tables(engine)
        attribution.attribute_outcome(engine, "lead", MODELS, landmarks, until=until)
        bounds.append(
            engine.frame(
                "select conversions_low, conversions_high from credit.intervals"
                " where channel <> '(unattributed)' order by model, channel"
            ).to_numpy()
        )
    np.testing.assert_allclose(*bounds, rtol=0.05)
