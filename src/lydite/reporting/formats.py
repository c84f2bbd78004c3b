"""Numbers and names as text; numbers are rounded to the precision that their error allows."""

from __future__ import annotations

import math
from datetime import date  # noqa: TC003 - the example needs it
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NOTHING = "–"
INTERVAL = "95% interval"
_MOST_DECIMALS = 3  # of a percentage
_VERDICTS = {
    "best": "best",
    "contender": "contender",
    "no_better_than_volume": "no better than a baseline",
    "too_early": "too early to say",
    "refuted": "refuted",
}


def is_number(value: float | None) -> bool:
    """Return whether there is a finite number."""
    return value is not None and math.isfinite(value)


def decimals_for(error: float | None, usual: int, most: int = 6) -> int:
    """Return the number of decimals that are meaningful for a given error.

    The error keeps one significant digit, or two if the first is a 1.

    Parameters
    ----------
    error
        Half the width of the interval, in the unit that is printed.
    usual
        Decimals without a known error.
    most
        Upper limit of the result.

    Examples
    --------
    >>> decimals_for(0.034, usual=4), decimals_for(0.014, usual=4)
    (2, 3)
    """
    if error is None or not math.isfinite(error) or error <= 0:
        return usual
    exponent = math.floor(math.log10(error))
    leading = error / 10.0**exponent
    return min(max(-exponent + (leading < 2), 0), most)


def half_width(low: float | None, high: float | None) -> float | None:
    """Return half the width of an interval; None if a bound is missing."""
    if low is None or high is None or not (is_number(low) and is_number(high)):
        return None
    return (high - low) / 2


def fixed(value: float | None, decimals: int) -> str:
    """Return a number with thousands separators and the given number of decimals."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text.replace("-", "−")


def count(value: float | None) -> str:
    """Return a whole number with thousands separators."""
    return fixed(value, 0)


def approximate(value: float | None) -> str:
    """Return a whole number rounded to two digits, the precision of a projection: ``28,000``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    digits = max(len(str(abs(round(value)))) - 2, 0)
    return count(round(value, -digits))


def amount(value: float | None) -> str:
    """Return credit, cost or value; only small numbers have decimals."""
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    return fixed(value, 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2)


def short_amount(value: float | None) -> str:
    """Return an amount for a narrow column: from 100,000 on in thousands or millions.

    Examples
    --------
    >>> short_amount(17820.4), short_amount(912_400), short_amount(2_350_000)
    ('17,820', '912k', '2.4M')
    """
    size = 0.0 if value is None or not math.isfinite(value) else abs(value)
    if value is None or size < 100_000:
        return amount(value)
    if size < 999_500:
        return f"{fixed(value / 1e3, 0)}k"
    return f"{fixed(value / 1e6, 1 if size < 99.95e6 else 0)}M"


def money(value: float | None, currency: str | None) -> str:
    """Return an amount with its currency, a symbol or a code, where that is known.

    Examples
    --------
    >>> money(1250, "€"), money(9.5, "EUR"), money(12, None)
    ('€1,250', 'EUR 9.50', '12')
    """
    text = amount(value)
    return text if text == NOTHING else f"{currency_prefix(currency)}{text}"


def currency_prefix(currency: str | None) -> str:
    """Return what is written before an amount: a symbol, a code with a blank, or nothing."""
    shown = plain(currency or "")
    return f"{shown} " if shown[-1:].isalnum() else shown


def percent(value: float | None, decimals: int = 0) -> str:
    """Return a share as a percentage."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{fixed(100 * value, decimals)}%"


def percent_by_error(value: float | None, low: float | None, high: float | None) -> str:
    """Return a share as a percentage, rounded by its interval."""
    return percent(value, percent_decimals(low, high))


def interval(low: float | None, high: float | None) -> str:
    """Return an interval of shares in percent, rounded by its width; empty without bounds."""
    if half_width(low, high) is None:
        return ""
    decimals = percent_decimals(low, high)
    return f"{percent(low, decimals)} to {percent(high, decimals)}"


def amount_interval(low: float | None, high: float | None) -> str:
    """Return an interval of credit, cost or value, rounded by its width.

    With a lower bound only, the text is ``at least 12.3``; without one it is empty.
    """
    if not is_number(low):
        return ""
    if not is_number(high):
        return f"at least {amount(low)}"
    width = half_width(low, high)
    if not width:
        return f"{amount(low)} to {amount(high)}"
    decimals = decimals_for(width, usual=2, most=2)
    return f"{fixed(low, decimals)} to {fixed(high, decimals)}"


def percent_decimals(low: float | None, high: float | None) -> int:
    """Return the decimals of a share in percent that has this interval.

    They follow from the width of the interval. Bounds that are not zero do not become zero: an
    interval that excludes zero must not look as if it touched it.

    Examples
    --------
    >>> percent_decimals(0.01, 0.05), percent_decimals(0.0002, 0.05)
    (0, 2)
    """
    width = half_width(low, high)
    decimals = decimals_for(None if width is None else 100 * width, usual=2, most=_MOST_DECIMALS)
    bounds = [100 * bound for bound in (low, high) if bound and math.isfinite(bound)]
    enough = (n for n in range(decimals, _MOST_DECIMALS + 1) if all(round(b, n) for b in bounds))
    return next(enough, decimals)


def verdict_label(verdict: str | None) -> str:
    """Return the words for a verdict of the tables."""
    return _VERDICTS.get(verdict or "", (verdict or "").replace("_", " "))


def day_in_words(day: date) -> str:
    """Return a day for readers.

    Examples
    --------
    >>> day_in_words(date(2026, 5, 9))
    '9 May 2026'
    """
    return f"{day.day} {day:%b %Y}"


_UNITS = {"h": "hour", "d": "day", "w": "week"}


def lookback_in_words(text: str) -> str:
    """Return a lookback for readers.

    Examples
    --------
    >>> lookback_in_words("30d"), lookback_in_words("click 30d, impression 1d")
    ('30-day lookback', 'lookback click 30d, impression 1d')
    """
    number, unit = text[:-1], text[-1:]
    if number.isdigit() and unit in _UNITS:
        return f"{number}-{_UNITS[unit]} lookback"
    return f"lookback {text}"


def plain(text: object) -> str:
    """Return a name from the data without control characters."""
    return "".join(sign if sign.isprintable() else "�" for sign in str(text))


def enumerate_names(names: Sequence[str]) -> str:
    """Return names as an enumeration: ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
