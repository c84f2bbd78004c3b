"""Settings of channels, people and currencies."""

from __future__ import annotations

import pytest

from lydite.errors import InputError
from tests.helpers.settings import SOURCES


def test_a_currency_is_three_letters_in_any_case(load):
    assert load(SOURCES).currency is None
    assert load(SOURCES + '[currency]\nreporting = " eur "\n').currency.reporting == "EUR"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[currency]\nreporting = "euro"', "currency.reporting = 'euro': write the three letters"),
        ("[currency]\nreporting = 978", "currency.reporting = 978: write the three letters"),
        ('[currency]\nrates = "ecb"', "currency.reporting: this setting is required"),
        ("[people]\nmax_partners = 0", "people.max_partners = 0: Input should be greater"),
        ('[people]\nunit = "team"', "people.unit = 'team': Input should be 'user' or 'account'"),
        ('[channels]\nalias = "x"', "channels.alias = 'x': there is no such setting"),
    ],
)
def test_wrong_values_are_refused(load, text, words):
    with pytest.raises(InputError) as error:
        load(SOURCES + text)
    assert words in str(error.value)
