"""The base class of models."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone

from lydite.attribution import touch_credit
from lydite.errors import InputError
from lydite.models import DEFAULT_MODELS, PATH_COLUMNS, Rule, make_model, make_models
from tests.helpers.random_landmarks import draw_landmarks, random_paths


@pytest.mark.parametrize("name", DEFAULT_MODELS)
def test_a_model_is_a_scikit_learn_estimator(name):
    model = make_model(name)
    twin = clone(model)
    assert repr(twin.get_params()) == repr(model.get_params())
    assert (twin.name, twin.claim) == (model.name, model.claim)
    assert twin.fingerprint == model.fingerprint


@pytest.mark.parametrize("name", ["linear", "last_touch", "markov_1", "markov_2"])
def test_fit_ignores_y_and_forecasts_probabilities(name):
    landmarks = draw_landmarks(np.random.default_rng(0), 2000)
    model = make_model(name).fit(landmarks, y=np.zeros(3))
    forecast = model.forecast(landmarks)
    assert forecast.shape == (2000,)
    assert ((forecast > 0) & (forecast < 1)).all()
    # The prior is weak: the mean forecast is the share that converts.
    assert forecast.mean() == pytest.approx(landmarks.converted.mean(), abs=0.003)


def test_a_fingerprint_changes_with_the_definition_and_with_nothing_else():
    rule = Rule("mine", "mine", "position")
    landmarks = draw_landmarks(np.random.default_rng(1), 200)
    before = rule.fingerprint
    assert make_model("linear").fit(landmarks).fingerprint == make_model("linear").fingerprint
    assert Rule("mine", "mine", "position").fingerprint == before
    assert Rule("mine", "mine", "position + 1").fingerprint != before
    assert make_model("markov_1").fingerprint != make_model("markov_2").fingerprint
    assert len({model.fingerprint for model in make_models()}) == len(DEFAULT_MODELS)
    assert len(before) == 12
    int(before, 16)


@pytest.mark.parametrize("column", PATH_COLUMNS)
def test_a_rule_may_refer_to_every_column_of_a_path(column):
    rule = Rule("mine", "mine", f"case when {column} is not null then 2 else 1 end")
    assert np.isfinite(touch_credit(rule, random_paths(0, 20))).all()


def test_a_rule_with_an_unknown_column_is_refused():
    with pytest.raises(InputError, match=r"'mine'.*moon"):
        touch_credit(Rule("mine", "mine", "moon * 2"), random_paths(0, 3))
