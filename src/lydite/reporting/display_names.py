"""Naming: rivals, and rivals with the same forecast, as parts of a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lydite.reporting.formats import listed, plain
from lydite.reporting.queries import alike_groups, leaders, with_verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    Row = Mapping[str, Any]

#: More models or segments than these are counted in a sentence, not named.
MOST_NAMED = 3


def names(rows: Sequence[Row]) -> str:
    """Return the names of rivals as a list in a sentence."""
    return listed([plain(row["model"]) for row in rows])


def either(group: Sequence[Row]) -> str:
    """Name rivals with the same forecast as one."""
    return "/".join(plain(row["model"]) for row in group)


def are(rows: Sequence[object]) -> str:
    """Return the verb for one or several."""
    return "is" if len(rows) == 1 else "are"


def explain(rows: Sequence[object]) -> str:
    """Return the verb for one or several."""
    return "explains" if len(rows) == 1 else "explain"


def standing(rivals: Sequence[Row]) -> str:
    """Return in a few words where a comparison stands: which model is best, or which remain."""
    ahead = alike_groups(leaders(rivals))
    if len(ahead) == 1:
        return f"{names(ahead[0])} {are(ahead[0])} best"
    if len(ahead) > MOST_NAMED:
        return f"{len(ahead)} models remain"
    if ahead:
        return f"{listed([either(group) for group in ahead])} remain"
    if with_verdict(rivals, "too_early"):
        return "too early to say"
    if with_verdict(rivals, "no_better_than_volume"):
        return "no model is better than touch volume"
    return "every model is refuted"


def when(period: str, day: date) -> str:
    """Return a period by its first day, as ``since`` and ``until`` go before it."""
    if period == "day":
        return str(day)
    return f"the {period} of {str(day)[:7] if period == 'month' else day}"


def sentence(text: object) -> str:
    """Return a text from the tables as a sentence of its own."""
    words = plain(" ".join(str(text).split()))
    words = words[:1].upper() + words[1:]
    return words if words.endswith((".", "!", "?")) else f"{words}."
