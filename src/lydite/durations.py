"""Parses and formats lookbacks such as ``"30d"``."""

from __future__ import annotations

import re
from datetime import timedelta

from lydite.errors import InputError

_LOOKBACK = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(h|d|w|hours?|days?|weeks?)\s*")
_HOURS = {"h": 1, "d": 24, "w": 168}
_MAX_HOURS = 1e9  # a timedelta can hold it, and it is far out of range


def parse_duration(text: str | timedelta, what: str = "lookback") -> timedelta:
    """Parse a lookback, or another duration: a number and a unit, h, d or w.

    Parameters
    ----------
    text
        The duration.
    what
        What it is, for messages.

    Raises
    ------
    InputError
        When the text cannot be parsed, or the duration is not between 1 hour and 3650 days.

    Examples
    --------
    >>> parse_duration("36h")
    datetime.timedelta(days=1, seconds=43200)
    """
    if isinstance(text, timedelta):
        lookback = text
    else:
        match = _LOOKBACK.fullmatch(str(text))
        if match is None:
            raise InputError(
                f"{what} {text!r} cannot be read: write a number and a unit, h, d or w,"
                " such as 12h, 30d or 4w"
            )
        hours = float(match[1]) * _HOURS[match[2][0]]
        lookback = timedelta(hours=min(hours, _MAX_HOURS))
    if not timedelta(hours=1) <= lookback <= timedelta(days=3650):
        raise InputError(f"{what} {text!r} is out of range: between 1h and 3650d, such as 30d")
    return lookback


def format_duration(lookback: timedelta) -> str:
    """Format a lookback as short text that `parse_duration` can parse.

    Examples
    --------
    >>> format_duration(timedelta(weeks=2))
    '14d'
    """
    hours = lookback / timedelta(hours=1)
    return f"{hours / 24:g}d" if hours % 24 == 0 else f"{hours!r}h".replace(".0h", "h")
