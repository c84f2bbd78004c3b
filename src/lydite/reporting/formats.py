"""Formats: numbers and names as people read them, rounded by their error."""

from __future__ import annotations

import math

NOTHING = "–"
INTERVAL = "95 % interval"
_VERDICTS = {
    "best": "best",
    "contender": "contender",
    "no_better_than_volume": "no better than volume",
    "too_early": "too early to say",
    "refuted": "refuted",
}


def is_number(value: float | None) -> bool:
    """Return whether there is a finite number."""
    return value is not None and math.isfinite(value)


def decimals_for(error: float | None, usual: int, most: int = 6) -> int:
    """Return the decimals that an error leaves meaning to.

    The error keeps one significant digit, two where the first is a 1: 0.034 leaves 2 decimals,
    0.014 leaves 3.

    Parameters
    ----------
    error
        Half the width of the interval, in the unit that is printed.
    usual
        Decimals where there is no error to go by.
    most
        Never more than these.
    """
    if error is None or not math.isfinite(error) or error <= 0:
        return usual
    exponent = math.floor(math.log10(error))
    leading = error / 10.0**exponent
    return min(max(-exponent + (leading < 2), 0), most)


def half_width(low: float | None, high: float | None) -> float | None:
    """Return half the width of an interval; None where a bound is missing."""
    if low is None or high is None or not (is_number(low) and is_number(high)):
        return None
    return (high - low) / 2


def fixed(value: float | None, decimals: int) -> str:
    """Return a number with thousands separated and that many decimals."""
    if value is None or not math.isfinite(value):
        return NOTHING
    text = f"{value:,.{decimals}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text.replace("-", "−")


def count(value: float | None) -> str:
    """Return a whole number with thousands separated."""
    return fixed(value, 0)


def about(value: float | None) -> str:
    """Return a whole number to two digits, as far as a projection means anything: ``28,000``."""
    if value is None or not math.isfinite(value):
        return NOTHING
    digits = max(len(str(abs(round(value)))) - 2, 0)
    return count(round(value, -digits))


def amount(value: float | None) -> str:
    """Return credit, cost or value: decimals only where the number is small."""
    if value is None or not math.isfinite(value):
        return NOTHING
    size = abs(value)
    return fixed(value, 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2)


def percent(value: float | None, decimals: int = 0) -> str:
    """Return a share as a percentage."""
    if value is None or not math.isfinite(value):
        return NOTHING
    return f"{fixed(100 * value, decimals)}%"


def percent_by_error(value: float | None, low: float | None, high: float | None) -> str:
    """Return a share as a percentage, rounded by its interval."""
    return percent(value, percent_decimals(low, high))


def interval(low: float | None, high: float | None) -> str:
    """Return an interval of shares in percent, rounded by its width; empty where unbounded."""
    if half_width(low, high) is None:
        return ""
    decimals = percent_decimals(low, high)
    return f"{percent(low, decimals)} to {percent(high, decimals)}"


def amount_interval(low: float | None, high: float | None) -> str:
    """Return an interval of credit, cost or value, rounded by its width.

    Where only the lower bound is known there is no upper one: ``at least 12.3``. Where that is not
    known either, the text is empty.
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
    """Return the decimals that a share in percent keeps beside its interval."""
    width = half_width(low, high)
    return decimals_for(None if width is None else 100 * width, usual=2, most=3)


def verdict_label(verdict: str | None) -> str:
    """Return a verdict as people read it."""
    return _VERDICTS.get(verdict or "", (verdict or "").replace("_", " "))


def plain(text: object) -> str:
    """Return a name from the data without characters that would steer a terminal or a page."""
    return "".join(sign if sign.isprintable() else "�" for sign in str(text))


def listed(names: list[str], last: str = "and") -> str:
    """Return names as a list in a sentence: ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"
