"""Writes figures as Markdown: numbers of three digits, tables of them, and how they grow."""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from benchmarks.measure import Spread


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is of words, the others of numbers."""
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def three_digits(number: float) -> str:
    """Return a non-negative number with three significant digits, without an exponent."""
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


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """Return the power of the size with which a value grows, by least squares of logarithms."""
    logarithms = ([math.log(number) for number in numbers] for numbers in (sizes, values))
    return statistics.linear_regression(*logarithms).slope


def growth(runs: Sequence[Mapping[str, Spread]], size: str, parts: Mapping[str, str]) -> str:
    """Say with which power of a size the processor time of each part grows, in words.

    Parameters
    ----------
    runs
        Figures by name, of several sizes.
    size
        The name of the size among the figures.
    parts
        What each part is called, by its name among the figures; the whole first.
    """
    if len(runs) < 2:
        return ""
    sizes = [run[size]["median"] for run in runs]
    powers = [
        f"{words} {exponent(sizes, [run[f'{part}_cpu']['median'] for run in runs]):.2f}"
        for part, words in parts.items()
    ]
    return f"Processor time grows as {size} to the power of: {', '.join(powers)}.\n"
