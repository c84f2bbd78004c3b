"""All settings of a project."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lydite.settings import ModelSettings, Settings, SourceSettings
from tests.helpers.settings import SOURCES


def names(settings):
    return [entry.name for entry in settings.models]


def test_models_are_names_or_tables(load):
    text = 'models = ["linear", "markov_2"]\n' + SOURCES
    assert names(load(text)) == ["linear", "markov_2"]
    text = SOURCES + '[[models]]\nname = "linear"\n[[models]]\nname = "markov_2"\n'
    assert names(load(text)) == ["linear", "markov_2"]


def test_rules_stand_among_the_models(load):
    own = '[[models]]\nname = "mine"\nclaim = "the early ones"\nrule = "1.0 / position"\n'
    settings = load(SOURCES + own)
    assert settings.models == (
        ModelSettings(name="mine", rule="1.0 / position", claim="the early ones"),
    )
    assert not settings.chooses_models
    text = 'models = ["linear", {name = "mine", rule = "position"}]\n' + SOURCES
    assert names(load(text)) == ["linear", "mine"]
    assert load(text).chooses_models


def test_settings_made_in_code_know_the_same_mistakes():
    with pytest.raises(ValueError, match="named twice"):
        Settings(
            sources=SourceSettings(touchpoints="t", conversions="c"),
            models=("linear", "linear"),  # type: ignore[arg-type]
        )


def test_another_lookback_is_that_of_all_outcomes(load):
    settings = load(
        SOURCES + '[evaluation]\nlookback = "30d"\nother_lookbacks = ["7d"]\n'
        '[outcomes.lead]\nlookback = "14d"\nfirst_only = true\n[outcomes.sale]\n'
    )
    week = timedelta(days=7)
    assert settings.evaluation.other_lookbacks == (week,)
    other = settings.with_lookback(week)
    assert other.lookbacks(["lead", "sale"]) == {"lead": week, "sale": week}
    assert other.evaluation.other_lookbacks == ()
    assert other.of("lead").first_only
