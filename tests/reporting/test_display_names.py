"""Names of models, channels, outcomes and periods for readers."""

from __future__ import annotations

from datetime import date

import pytest

from lydite.models.registry import DEFAULT_MODELS
from lydite.reporting.display_names import (
    FAMILIES,
    MODEL_NAMES,
    channel_label,
    family_of,
    model_label,
    model_word,
    period_name,
    sentence,
    start_sentence,
)


@pytest.mark.parametrize("name", DEFAULT_MODELS)
def test_every_model_has_a_name_a_word_and_a_family(name):
    assert model_label(name) == MODEL_NAMES[name]
    assert "_" not in model_word(name)
    assert "," not in model_word(name)
    assert family_of(name) in FAMILIES
    assert (
        start_sentence(f"{model_word(name)} leads")[:1].isupper() or model_word(name)[0].isdigit()
    )


def test_names_are_unique():
    assert len(set(MODEL_NAMES.values())) == len(MODEL_NAMES)
    assert len({model_word(name) for name in MODEL_NAMES}) == len(MODEL_NAMES)


def test_models_of_users_keep_their_names():
    assert model_label("my_rule") == model_word("my_rule") == "my_rule"
    assert start_sentence("my_rule leads") == "my_rule leads"
    assert family_of("my_rule") == "Your models"


def test_names_from_the_settings_come_first():
    names = {"email": "E-mail"}
    assert [channel_label(name, names) for name in ("email", "paid_tv")] == ["E-mail", "Paid tv"]


def test_periods_by_their_first_day():
    day = date(2025, 5, 1)
    said = [period_name(period, day) for period in ("day", "week", "month", "period")]
    assert said == [
        "2025-05-01", "the week of 2025-05-01", "the month of 2025-05", "the period of 2025-05-01",
    ]  # fmt: skip


def test_a_text_becomes_a_sentence():
    assert sentence("a lead\n turned") == "A lead turned."
    assert sentence("Why?") == "Why?"
