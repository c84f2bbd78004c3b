"""Tests of amounts in several currencies."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pandas as pd
import polars as pl
import pytest

import lydite
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import LoadOptions, load, load_table
from lydite.inputs.currencies import read_rates, refuse_several_currencies
from lydite.settings import (
    CurrencySettings,
    make_settings,
    parse_settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = datetime(2026, 7, 1, tzinfo=UTC)
RATES = pl.DataFrame(
    {
        "date": [date(2026, 3, 2), date(2026, 3, 4), date(2026, 3, 3)],
        "currency": ["USD", "usd", "JPY"],
        "rate": [0.9, 0.5, 0.01],
    }
)


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as engine:
        yield engine


def in_euro(rates: object = RATES) -> CurrencySettings | None:
    return make_settings(currency="eur", rates=rates).currency


def orders(*rows: tuple[int, float | None, str | None]) -> pl.DataFrame:
    """Return conversions by the day of March, the value and the currency."""
    return pl.DataFrame(
        [(f"u{n}", datetime(2026, 3, day, 12), value, name)
         for n, (day, value, name) in enumerate(rows)],
        schema=["user_id", "converted_at", "value", "currency"],
        orient="row",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "value", "reason"),
    [
        ((2, 10, "USD"), 9, None),
        ((3, 10, " usd "), 9, None),
        ((4, 10, "USD"), 5, None),
        ((30, 10, "USD"), 5, None),
        ((1, 10, "USD"), None, "unknown_currency"),
        ((3, 10, "JPY"), 0.1, None),
        ((3, 10, "EUR"), 10, None),
        ((3, 10, "XXX"), None, "unknown_currency"),
        ((3, 10, None), None, "missing_currency"),
        ((3, 10, " "), None, "missing_currency"),
        ((3, None, "XXX"), None, None),
        ((3, None, None), None, None),
        ((3, 0, "USD"), 0, None),
    ],
)
def test_amounts_are_converted_at_the_rate_of_the_day_or_the_last_before(
    engine, row, value, reason
):
    table = orders((3, 1, "EUR"), row)
    report = load_table(engine, "conversions", table, LoadOptions(now=NOW, currency=in_euro()))
    assert report.bad == ({reason: 1} if reason else {})
    if reason is None:
        found = engine.scalar("select value from inputs.conversions where user_id = 'u1'")
        assert found == (None if value is None else pytest.approx(value))
    assert list(engine.columns("inputs.conversions")) == [
        "user_id", "converted_at", "outcome", "value", "conversion_id",
    ]  # fmt: skip


def test_spend_is_converted(engine):
    spend = pl.DataFrame(
        {
            "date": [date(2026, 3, 3)] * 3,
            "channel": ["a", "b", "c"],
            "cost": [10.0, 10.0, 10.0],
            "currency": ["USD", "EUR", "ABC"],
        }
    )
    report = load_table(engine, "spend", spend, LoadOptions(now=NOW, currency=in_euro()))
    assert report.bad == {"unknown_currency": 1}
    assert engine.rows("select channel, cost from inputs.spend order by 1") == [("a", 9), ("b", 10)]


def test_refunds_are_converted_at_the_rate_of_their_day(engine):
    table = orders((2, 100, "USD"), (4, -100, "USD")).with_columns(
        user_id=pl.lit("u"), conversion_id=pl.lit("x")
    )
    report = load_table(engine, "conversions", table, LoadOptions(now=NOW, currency=in_euro()))
    assert report.refunds == 1
    assert engine.scalar("select value from inputs.conversions") == pytest.approx(90 - 50)


def test_one_currency_or_none_changes_nothing(engine):
    for names in (["USD", "usd"], [None, "USD"], [None, None]):
        table = orders(*((3, 10, name) for name in names)).cast({"currency": pl.String})
        report = load_table(engine, "conversions", table, LoadOptions(now=NOW))
        assert (report.rows, report.bad) == (2, {})
        assert engine.scalar("select sum(value) from inputs.conversions") == 20
    without = table.drop("currency")
    assert (
        load_table(engine, "conversions", without, LoadOptions(now=NOW, currency=in_euro())).rows
        == 2
    )


def test_several_currencies_need_a_reporting_currency(engine):
    with pytest.raises(InputError, match=r"conversions: amounts are in EUR, USD\. Set a reporting"):
        load_table(
            engine, "conversions", orders((3, 1, "EUR"), (3, 1, "USD")), LoadOptions(now=NOW)
        )


def test_tables_in_different_currencies_need_a_reporting_currency(engine):
    touches = pl.DataFrame(
        {"user_id": ["u0"], "touched_at": [datetime(2026, 3, 1)], "channel": ["a"]}
    )
    spend = pl.DataFrame(
        {"date": [date(2026, 3, 1)], "channel": ["a"], "cost": [9.0], "currency": ["EUR"]}
    )
    tables = {"touchpoints": touches, "conversions": orders((3, 1, "USD")), "spend": spend}
    load(engine, tables, LoadOptions(now=NOW))
    with pytest.raises(InputError, match="conversions are in USD, spend are in EUR"):
        refuse_several_currencies(engine)
    load(engine, tables, LoadOptions(now=NOW, currency=in_euro()))
    refuse_several_currencies(engine)
    with pytest.raises(InputError, match="conversions are in USD, spend are in EUR"):
        lydite.credit(**tables, models=["linear"])
    credit = lydite.credit(
        **tables, models=["linear"], currency="EUR", rates=RATES, intervals=False
    ).table
    assert credit.select("channel", "value", "cost").row(0) == ("a", 0.9, 9)


@pytest.mark.parametrize(
    ("rates", "message"),
    [
        (None, r"currency\.rates is not set, but amounts are in USD"),
        ("nowhere.csv", r"currency\.rates \(nowhere\.csv\): cannot be read"),
        (RATES.drop("rate"), "the rates: needs the columns 'date', 'currency' and 'rate'"),
        (RATES.with_columns(rate=pl.lit(0.0)), "3 rows are no rates, such as 2026-03-02, USD, 0.0"),
        (RATES.with_columns(date=pl.lit("1 May")), "rows are no rates, such as 1 May"),
        (pl.concat([RATES, RATES.with_columns(rate=pl.lit(7.0))]), "several rates on 2026-03-02"),
    ],
)
def test_rates_that_cannot_be_used_are_refused(engine, rates, message):
    with pytest.raises(InputError, match=message):
        load_table(
            engine,
            "conversions",
            orders((3, 1, "USD")),
            LoadOptions(now=NOW, currency=in_euro(rates)),
        )


def test_rates_may_be_a_file_or_any_frame(tmp_path):
    RATES.write_csv(tmp_path / "rates.csv")
    RATES.write_parquet(tmp_path / "rates.parquet")
    expected = read_rates(RATES).sort("currency", "date")
    for source in (
        str(tmp_path / "rates.csv"),
        str(tmp_path / "rates.parquet"),
        RATES.to_pandas(),
        RATES.to_arrow(),
        pd.DataFrame(RATES.to_dict(as_series=False)).rename(columns=str.upper),
    ):
        assert read_rates(source).sort("currency", "date").equals(expected)


def test_rates_of_the_ecb(engine):
    pytest.importorskip("currency_converter")
    table = pl.DataFrame(
        {
            # A Sunday has the rate of the Friday before; there was no euro in 1998.
            "user_id": ["sunday", "friday", "future", "before"],
            "converted_at": [datetime(2015, 1, 4), datetime(2015, 1, 2), datetime(2026, 6, 1),
                             datetime(1998, 5, 1)],
            "value": [100.0] * 4,
            "currency": ["USD"] * 4,
        }
    )  # fmt: skip
    report = load_table(engine, "conversions", table, LoadOptions(now=NOW, currency=in_euro("ecb")))
    assert report.bad == {"unknown_currency": 1}
    found = dict(engine.rows("select user_id, value from inputs.conversions"))
    assert found["sunday"] == found["friday"] == pytest.approx(100 / 1.2043)
    assert 50 < found["future"] < 150
    currency = CurrencySettings(reporting="XXX", rates="ecb")
    with pytest.raises(InputError, match="the ECB has no rates of it"):
        load_table(engine, "conversions", table, LoadOptions(now=NOW, currency=currency))


@pytest.mark.parametrize("reporting", ["euro", "", 7])
def test_a_reporting_currency_has_three_letters(reporting):
    values = {
        "sources": {"touchpoints": "t.csv", "conversions": "c.csv"},
        "currency": {"reporting": reporting},
    }
    with pytest.raises(InputError, match=r"currency\.reporting.*three letters"):
        parse_settings(values, "lydite.toml")


def test_rates_without_a_reporting_currency_are_refused():
    with pytest.raises(InputError, match="rates need a reporting currency"):
        lydite.credit(touchpoints=RATES, conversions=RATES, rates=RATES)
