"""Tests of numbers that are written for people: read right where they are clear, else set aside."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.engine import DuckDBEngine
from lydite.inputs.numbers_as_text import number_of_text
from lydite.inputs.source_rows import Relation
from tests.helpers.examples import examples


def read(values: list[str | None]) -> list[float | None]:
    """Return the numbers of a column; None where a value is no number."""
    frame = pl.DataFrame({"n": range(len(values)), "value": pl.Series(values, dtype=pl.String)})
    with DuckDBEngine(threads=1) as engine, engine.registered(frame) as name:
        relation = Relation("here", name, engine.columns(name))
        expression = number_of_text(engine, relation, "value")
        rows = engine.rows(f"select try_cast({expression} as double) from {name} order by n")
    return [value for (value,) in rows]


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("€ 1.234,50", 1234.5),
        ("1,234.50 USD", 1234.5),
        ("(12.00)", -12),
        ("12,50", 12.5),
        ("12,5 €", 12.5),
        ("1.234.567", 1234567),
        ("1,234,567", 1234567),
        ("1.234.567,8", 1234567.8),
        ("1 234,50", 1234.5),
        ("1 234,567", 1234.567),
        ("1\u00a0234\u202f567,50 €", 1234567.5),
        ("1'234.50 CHF", 1234.5),
        ("1’234", 1234),
        ("US$ 5", 5),
        ("R$5,00", 5),
        ("-€5.00", -5),
        ("€ -5,00", -5),
        ("5,00-", -5),
        ("\u2212 5,00", -5),
        ("(€ 1.234,50)", -1234.5),
        ("+3,25", 3.25),
        ("0,123", 0.123),
        ("1234,567", 1234.567),
        ("12,3456", 12.3456),
        ("\u20031,234.5\u2003", 1234.5),
        ("1e3", 1000),
        ("12.5", 12.5),
        ("", None),
        ("€", None),
        ("12,34,56", None),
        ("1.23.4", None),
        ("12 34,50", None),
        ("1,2.3,4", None),
        ("--5,00", None),
        ("(-5,00)", None),
        ("(5,00", None),
        ("5,00)", None),
        ("5 apples", None),
        ("Q1 2026", None),
        ("12:30", None),
        ("1,234", None),
        ("€ 1.234", None),
        ("2026-01-02", None),
        ("DROP TABLE x", None),
    ],
)
def test_a_number_alone(text, number):
    assert read([text, "7"]) == [pytest.approx(number) if number is not None else None, 7]


@pytest.mark.parametrize(
    ("others", "comma", "dot"),
    [
        ([], None, 1.234),
        (["12,50"], 1.234, 1234),
        (["12.50", "x"], 1234, 1.234),
        (["12,50", "12.50"], None, None),
        (["1.234.567"], 1.234, 1234),
        (["1,234,567"], 1234, 1.234),
    ],
)
def test_the_column_decides_about_three_digits_after_a_separator(others, comma, dot):
    found = read(["1,234", *others])[0], read(["1.234", "€ 1", *others])[0]
    assert found == (comma, dot)


def test_plain_numbers_stay_as_they_are():
    assert read(["1.234", "1e3", "inf", "12", None]) == [1.234, 1000, float("inf"), 12, None]


def test_a_missing_number_is_not_an_invalid_one():
    frame = pl.DataFrame({"value": ["1,50", "soon", None]})
    with DuckDBEngine(threads=1) as engine, engine.registered(frame) as name:
        expression = number_of_text(engine, Relation("here", name, engine.columns(name)), "value")
        assert engine.rows(f"select {expression} from {name}") == [("1.50",), ("soon",), (None,)]


STYLES = [(",", "."), (".", ","), (" ", ","), (" ", "."), ("'", "."), ("\u00a0", ","), ("", ",")]


@examples(60)
@given(
    cents=st.lists(st.integers(-(10**11), 10**11), min_size=1, max_size=20),
    style=st.sampled_from(STYLES),
    around=st.sampled_from(["{}", "€ {}", "{} EUR", "${}", " {} "]),
)
def test_amounts_in_one_style_are_read_exactly(cents, style, around):
    group, mark = style
    texts = []
    for amount in cents:
        whole, rest = divmod(abs(amount), 100)
        number = f"{whole:,}".replace(",", group) + f"{mark}{rest:02}"
        texts.append(around.format(number if amount >= 0 else f"-{number}"))
    assert read(texts) == [pytest.approx(amount / 100) for amount in cents]


@examples(40)
@given(st.lists(st.text("0123456789.,-+() €$EURx'\n", max_size=12), min_size=1, max_size=20))
def test_no_text_is_an_error(texts):
    assert len(read(texts)) == len(texts)
