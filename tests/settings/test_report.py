"""Settings of the report."""

from __future__ import annotations

import pytest

from lydite.errors import InputError
from tests.helpers.settings import SOURCES


def test_the_currency_is_the_reporting_currency_unless_it_is_set(load):
    assert load(SOURCES).shown().currency is None
    euro = SOURCES + '[currency]\nreporting = "EUR"\n'
    assert load(euro).shown().currency == "EUR"
    assert load(euro + '[report]\ncurrency = "€"\n').shown().currency == "€"


def test_names_of_channels_are_kept_as_written(load):
    settings = load(SOURCES + '[report.channel_names]\n"google / cpc" = " Google Ads "\n')
    assert settings.report.channel_names == {"google / cpc": "Google Ads"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[report]\ncurrency = " "', "report.currency = ' ': it is empty"),
        ('[report]\nmain_outcome = ""', "report.main_outcome = '': it is empty"),
        ("[report]\nkeep = 0", "report.keep = 0: Input should be greater"),
        (
            '[report.channel_names]\na = "Search"\nb = "search"',
            "report.channel_names: 'a' and 'b' have the same name, 'Search'",
        ),
    ],
)
def test_wrong_values_are_refused(load, text, words):
    with pytest.raises(InputError) as error:
        load(SOURCES + text)
    assert words in str(error.value)


def test_a_main_outcome_that_is_not_compared_is_refused(load):
    settings = load(SOURCES + '[report]\nmain_outcome = "order"\n')
    with pytest.raises(InputError, match="no such outcome; there are: lead, purchase"):
        settings.lookbacks(["lead", "purchase"])
    only = load(SOURCES + '[report]\nmain_outcome = "lead"\n[outcomes.purchase]\n')
    with pytest.raises(InputError, match="no such outcome; there are: purchase"):
        only.lookbacks(["lead", "purchase"])
