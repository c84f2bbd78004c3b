"""Models by name."""

from __future__ import annotations

import pytest

from lydite.errors import InputError
from lydite.models import DEFAULT_MODELS, Markov, Rule, make_model, make_models


def test_every_default_model_is_made_under_its_own_name():
    models = make_models()
    assert [model.name for model in models] == list(DEFAULT_MODELS)
    assert all(model.claim for model in models)
    assert not any(model.is_baseline for model in models)
    assert isinstance(make_model("linear"), Rule)
    assert isinstance(make_model("markov_2"), Markov)


def test_models_are_fresh_and_each_name_counts_once():
    assert make_model("linear") is not make_model("linear")
    assert [m.name for m in make_models(["linear", "markov_1", "linear"])] == ["linear", "markov_1"]
    assert make_models([]) == []


@pytest.mark.parametrize(
    ("wrong", "near"), [("last_tuch", "last_touch"), ("marcov_2", "markov_2"), ("Linear", "linear")]
)
def test_an_unknown_model_names_the_nearest(wrong, near):
    with pytest.raises(InputError, match=f"Did you mean '{near}'"):
        make_model(wrong)


def test_an_unknown_model_lists_all():
    with pytest.raises(InputError, match=", ".join(DEFAULT_MODELS)) as error:
        make_model("zebra")
    assert "Did you mean" not in str(error.value)
