"""Writes figures as Markdown: numbers of three digits, and tables of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from benchmarks.measure import Spread


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is of words, the others of numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def three_digits(number: float) -> str:
    """Return a number of at least 0 with three digits that matter, without an exponent."""
    if number >= 100:
        return f"{number:,.0f}"
    places = next((n for n, least in ((1, 10), (2, 1)) if number >= least), 3)
    return f"{number:.{places}f}"


def seconds(figure: Spread) -> str:
    """Return the median, and the range where runs differ."""
    middle, low, high = (three_digits(figure[key]) for key in ("median", "min", "max"))
    return f"{middle} s" if low == high else f"{middle} s ({low} to {high})"


def megabytes(figure: Spread) -> str:
    """Return the highest peak."""
    return f"{figure['max']:,.0f} MB"


def times(figure: Spread, limit: Spread) -> str:
    """Return a median as a multiple of another."""
    return f"{three_digits(figure['median'] / limit['median'])}×"
