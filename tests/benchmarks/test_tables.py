"""Figures in Markdown: as many digits as matter."""

from __future__ import annotations

import pytest

from benchmarks import tables


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0.000"),
        (0.01234, "0.012"),
        (0.9876, "0.988"),
        (1.0, "1.00"),
        (3.14159, "3.14"),
        (31.4159, "31.4"),
        (314.159, "314"),
        (31_415.9, "31,416"),
    ],
)
def test_numbers_have_three_digits(number, text):
    assert tables.three_digits(number) == text


def test_a_table_is_markdown():
    assert tables.table(("what", "time"), [("a", "1 s"), ("b", "2 s")]) == (
        "| what | time |\n| --- | --: |\n| a | 1 s |\n| b | 2 s |"
    )


def test_a_spread_is_a_median_with_its_range():
    figure = {"min": 1.0, "median": 2.0, "max": 4.0}
    assert tables.seconds(figure) == "2.00 s (1.00 to 4.00)"
    assert tables.seconds(dict.fromkeys(figure, 2.0)) == "2.00 s"
    assert tables.megabytes(figure) == "4 MB"
    assert tables.times(figure, {"min": 0.1, "median": 0.5, "max": 9.0}) == "4.00×"
