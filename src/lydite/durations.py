"""Lengths of time as text, such as ``"30d"``."""

from __future__ import annotations

import re
from datetime import timedelta

from lydite.errors import InputError

_LOOKBACK = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(h|d|w|hours?|days?|weeks?)\s*")
_HOURS = {"h": 1, "d": 24, "w": 168}
_TOO_MANY_HOURS = 1e9  # what timedelta can still hold, and far out of range


def parse_duration(text: str | timedelta) -> timedelta:
    """Read a lookback such as ``"30d"``, ``"12h"`` or ``"4w"``.

    Raises
    ------
    InputError
        When the text is no such length, or not above zero.
    """
    if isinstance(text, timedelta):
        lookback = text
    else:
        match = _LOOKBACK.fullmatch(str(text))
        if match is None:
            raise InputError(
                f"lookback {text!r} cannot be read: write a number and a unit, h, d or w,"
                " such as 12h, 30d or 4w"
            )
        hours = float(match[1]) * _HOURS[match[2][0]]
        lookback = timedelta(hours=min(hours, _TOO_MANY_HOURS))
    if not timedelta(hours=1) <= lookback <= timedelta(days=3650):
        raise InputError(f"lookback {text!r} is out of range: between 1h and 3650d, such as 30d")
    return lookback


def format_duration(lookback: timedelta) -> str:
    """Write a lookback as briefly as it can be read back: ``"30d"``, ``"12h"``."""
    hours = lookback / timedelta(hours=1)
    return f"{hours / 24:g}d" if hours % 24 == 0 else f"{hours!r}h".replace(".0h", "h")
