"""Options of a call, which override the settings of a project."""

from __future__ import annotations

from datetime import timedelta

import pytest

from lydite.errors import InputError
from lydite.settings import Settings, make_settings


def test_options_override_the_settings_of_a_project():
    project = Settings.model_validate(
        {
            "sources": {"touchpoints": "t", "conversions": "c"},
            "evaluation": {"lookback": "10d", "alpha": 0.1, "seed": 3},
            "quality": {"accept": ["stray_rows"]},
            "outcomes": {"lead": {"lookback": "5d"}},
        }
    )
    assert make_settings(project) == project
    changed = make_settings(
        project,
        lookback="7d",
        outcomes=["lead", "sale"],
        seed=4,
        accept=["sudden_drop"],
        keep_duplicates=True,
    )
    assert changed.evaluation == project.evaluation.model_copy(
        update={"lookback": timedelta(days=7), "seed": 4}
    )
    assert changed.quality.accept == ("stray_rows", "sudden_drop")
    assert changed.quality.keep_duplicates
    assert changed.lookbacks(["lead", "sale"]) == {
        "lead": timedelta(days=5),
        "sale": timedelta(days=7),
    }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"lookback": ""}, "lookback = ''"),
        ({"alpha": 0}, "alpha = 0: Input should be greater than 0"),
        ({"rates": "rates.csv"}, "rates need a reporting currency"),
        ({"currency": "euro"}, "reporting = 'euro': write the three letters"),
        ({"timezone": "Mars/Base"}, "Mars/Base"),
        ({"unit": "team"}, "unit = 'team'"),
    ],
)
def test_options_out_of_range_are_refused(options, words):
    with pytest.raises(InputError) as error:
        make_settings(**options)
    assert words in str(error.value)


def test_rates_may_be_given_to_a_project_with_a_currency():
    project = make_settings(currency="eur")
    chosen = make_settings(project, rates="ecb").currency
    assert (chosen.reporting, chosen.rates) == ("EUR", "ecb")
    assert make_settings(chosen and project, currency="USD").currency.reporting == "USD"


def test_the_first_of_several_lookbacks_is_the_main_one():
    several = make_settings(lookback=["30d", "7d", "12h"]).evaluation
    assert several.lookback == timedelta(days=30)
    assert several.other_lookbacks == (timedelta(days=7), timedelta(hours=12))
    project = make_settings(lookback=["30d", "7d"])
    assert make_settings(project) == project
    assert make_settings(project, lookback="7d").evaluation.other_lookbacks == ()
    assert make_settings(project, seed=1).evaluation.other_lookbacks == (timedelta(days=7),)


@pytest.mark.parametrize(
    ("lookback", "message"),
    [
        (["7d", "1w"], "the lookback 7d is given twice"),
        ([], "empty list"),
        (["7d", "soon"], "soon"),
    ],
)
def test_lookbacks_that_cannot_be_compared_are_refused(lookback, message):
    with pytest.raises(InputError, match=message):
        make_settings(lookback=lookback)
