"""How many examples a property gets: all in `make slow`, which draws new ones, else a quarter."""

from __future__ import annotations

from typing import Any

from hypothesis import settings

#: The number where a test does not say its own, as Hypothesis draws.
USUAL = 100


def few(number: int) -> int:
    """Return how many of them are drawn where they are the same in every run."""
    return max(number // 4, min(number, 5))


def examples(number: int, **others: Any) -> settings:
    """Return the settings of a property that has this number of examples."""
    return settings(max_examples=few(number) if settings.default.derandomize else number, **others)
