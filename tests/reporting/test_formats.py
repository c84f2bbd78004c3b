"""Numbers and names as text."""

import math

import pytest

from lydite.reporting import formats


@pytest.mark.parametrize(
    ("error", "decimals"),
    [(0.034, 2), (0.014, 3), (0.5, 1), (1.5, 1), (3.0, 0), (42.0, 0), (None, 4), (math.inf, 4)],
)
def test_the_error_decides_the_number_of_decimals(error, decimals):
    assert formats.decimals_for(error, usual=4) == decimals


def test_percent_is_rounded_by_its_interval():
    assert formats.percent_by_error(0.07906, 0.0631, 0.0950) == "7.9%"
    assert formats.percent_by_error(0.00456, 0.0041, 0.0050) == "0.46%"
    assert formats.interval(0.0631, 0.0950) == "6.3% to 9.5%"


def test_a_bound_that_is_not_zero_does_not_become_zero():
    assert formats.interval(0.0003, 0.008) == "0.03% to 0.80%"
    assert formats.interval(-0.0003, 0.013) == "−0.03% to 1.30%"
    assert formats.interval(0.0, 0.008) == "0.0% to 0.8%"
    assert formats.interval(1e-9, 0.008) == "0.0% to 0.8%"


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (812.3, 1034.2, "812 to 1,034"),
        (9.53, 12.1, "9.5 to 12.1"),
        (0.4012, 0.4034, "0.40 to 0.40"),
        (0.0, 0.0, "0 to 0"),
        (7, 7.0, "7 to 7"),
        (12.34, None, "at least 12.3"),
        (None, 4.0, ""),
        (None, None, ""),
        (math.nan, 4.0, ""),
    ],
)
def test_an_interval_of_amounts_is_rounded_by_its_width(low, high, text):
    assert formats.amount_interval(low, high) == text


@pytest.mark.parametrize("missing", [None, math.nan, math.inf, -math.inf])
def test_missing_and_infinite_numbers_are_dashes(missing):
    for write in (formats.count, formats.amount, formats.percent):
        assert write(missing) == formats.NOTHING
    assert formats.interval(missing, 0.1) == ""
    assert formats.interval(0.1, missing) == ""


def test_a_rounded_zero_has_no_sign_and_a_negative_has_a_minus():
    assert formats.percent(-0.00001, 1) == "0.0%"
    assert formats.percent(-0.021, 1) == "−2.1%"


def test_control_characters_are_replaced():
    assert formats.plain("red\x1b[31m\n") == "red�[31m�"


@pytest.mark.parametrize(
    ("names", "sentence"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")],
)
def test_names_are_enumerated(names, sentence):
    assert formats.enumerate_names(names) == sentence


def test_a_projection_has_two_digits():
    texts = [
        formats.approximate(number) for number in (7, 99, 104, 28_488, 1_950_000, None, math.inf)
    ]
    assert texts == ["7", "99", "100", "28,000", "2,000,000", "–", "–"]
