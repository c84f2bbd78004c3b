"""Models by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from lydite.errors import InputError
from lydite.models import (
    DEFAULT_MODELS,
    Markov,
    Rule,
    choose,
    make_model,
    make_models,
    make_rule,
    models_from_settings,
)
from lydite.settings import Settings, load_settings


def test_every_default_model_is_made_under_its_own_name():
    models = make_models()
    assert [model.name for model in models] == list(DEFAULT_MODELS)
    assert all(model.claim for model in models)
    assert not any(model.is_baseline for model in models)
    assert isinstance(make_model("linear"), Rule)
    assert isinstance(make_model("markov_2"), Markov)


def test_models_are_new_and_each_name_is_made_once():
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


def settings(*models):
    """Settings that name models, as text or as tables."""
    sources = {"touchpoints": "t.parquet", "conversions": "c.parquet"}
    return Settings.model_validate({"sources": sources, "models": models})


def names(*models):
    return [model.name for model in models_from_settings(settings(*models))]


def test_settings_choose_models_by_name_and_rules_join_the_default_models():
    own = {"name": "mine", "claim": "the early ones", "rule": "1.0 / position"}
    assert names() == list(DEFAULT_MODELS)
    assert names("linear", "markov_2") == ["linear", "markov_2"]
    assert names(own) == [*DEFAULT_MODELS, "mine"]
    assert names("linear", own) == ["linear", "mine"]
    model = models_from_settings(settings(own))[-1]
    assert isinstance(model, Rule)
    assert (model.claim, model.expression) == ("the early ones", "1.0 / position")


def test_models_of_settings_are_not_fitted():
    chosen = settings("linear")
    first, second = models_from_settings(chosen), models_from_settings(chosen)
    assert first[0] is not second[0]


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("last_tuch", "models.2 = 'last_tuch': there is no model 'last_tuch'. Did you mean 'last_"),
        ({"name": "zzz"}, "models.2 = 'zzz': there is no model 'zzz'"),
        ({"name": "mine", "rule": "moon * 2"}, "models.2 = 'mine': the rule 'mine' cannot weigh"),
        ({"name": "mine", "rule": "(select 1)"}, "models.2 = 'mine': the rule 'mine' cannot weigh"),
        ({"name": "linear_", "claim": "x"}, "the model 'linear_' already has a claim"),
        ({"name": "first_touch", "rule": "1"}, "there is already a model 'first_touch'"),
        ({"name": "ceiling", "rule": "1"}, "there is already a model 'ceiling'"),
        ({"name": "a b", "rule": "1"}, "models.2 = 'a b': 'a b' cannot be the name of a model"),
    ],
)
def test_a_wrong_model_is_refused_with_its_setting(entry, words):
    with pytest.raises(InputError) as error:
        names("linear", entry)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_all_wrong_models_are_named_at_once():
    with pytest.raises(InputError) as error:
        names("zebra", "linear", "giraffe")
    lines = str(error.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        "models.1 = 'zebra'",
        "models.3 = 'giraffe'",
    ]


def test_the_settings_of_this_project_compare_the_default_models():
    found = models_from_settings(load_settings(Path(__file__).parents[2] / "lydite.toml"))
    assert [model.name for model in found] == list(DEFAULT_MODELS)


@pytest.mark.parametrize("name", ["value", "Position"])
def test_a_model_cannot_have_the_name_of_a_column(name):
    with pytest.raises(InputError, match="is a column of the tables of credit"):
        make_rule(name, "1.0")
    with pytest.raises(InputError, match="is a column of the tables of credit"):
        choose([Rule(name, "1.0")])


def test_one_model_is_a_list_of_one():
    assert [model.name for model in choose("linear")] == ["linear"]
    assert [model.name for model in choose(make_model("linear"))] == ["linear"]
    with pytest.raises(InputError, match="Did you mean 'linear'"):
        choose("linaer")
