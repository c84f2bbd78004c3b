"""Weights that halve as time goes by: so common that they are also told without SQL."""

from __future__ import annotations

import re

#: Candidates where the half-life is fitted.
HALF_LIVES_HOURS = (6, 24, 72, 168, 336)

_DECAY = re.compile(r"power\(0\.5, hours_before_end / (\d+\.\d+)\)")


def decay(hours: float) -> str:
    """Return the weight of a touch that loses half in so many hours."""
    return f"power(0.5, hours_before_end / {float(hours)})"


def half_life(expression: str) -> float | None:
    """Return the hours of a weight that `decay` has written; None of another."""
    found = _DECAY.fullmatch(expression)
    return float(found[1]) if found else None
