"""Options that several commands share: names of models and custom rules."""

import pytest

from lydite.cli.options import read_models
from lydite.errors import InputError
from lydite.models import DEFAULT_MODELS


def names(models: str | None, rules: list[str] | None = None) -> list[str]:
    return [model.name for model in read_models(models, rules) or []]


@pytest.mark.parametrize("nothing", [None, "", " , "])
def test_without_names_and_rules_the_default_models_run(nothing):
    assert read_models(nothing, None) is None


def test_names_are_separated_by_commas():
    assert names("linear, markov_1,,") == ["linear", "markov_1"]


def test_rules_join_the_chosen_or_the_default_models():
    assert names("linear", ["late = position"]) == ["linear", "late"]
    assert names(None, ["late=position", "flat=1"]) == [*DEFAULT_MODELS, "late", "flat"]


def test_an_expression_may_contain_an_equals_sign():
    rules = ["mail=case when channel = 'email' then 1 else 0 end"]
    assert names("linear", rules) == ["linear", "mail"]


@pytest.mark.parametrize(
    ("models", "rules", "words"),
    [("linaer", None, "'linear'"), (None, ["late"], "name=expression"), (None, ["a=moon"], "moon")],
)
def test_unknown_names_and_wrong_rules_are_errors(models, rules, words):
    with pytest.raises(InputError, match=words):
        read_models(models, rules)
