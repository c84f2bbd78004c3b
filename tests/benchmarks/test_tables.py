"""Tests of figures and tables in Markdown."""

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


def test_the_exponent_of_a_power_is_found():
    sizes = [10, 30, 100]
    assert tables.exponent(sizes, [5 * n**0.7 for n in sizes]) == pytest.approx(0.7)


def test_growth_is_computed_for_every_part():
    def of(size, fit, rest):
        figures = {"touches": size, "fit_cpu": fit, "rest_cpu": rest}
        return {name: dict.fromkeys(("min", "median", "max"), v) for name, v in figures.items()}

    runs = [of(10, 3, 7), of(1000, 300, 70)]
    text = tables.growth(runs, "touches", {"fit": "the fit", "rest": "what is left"})
    assert text == (
        "Processor time grows as touches to the power of: the fit 1.00, what is left 0.50.\n"
    )
    assert not tables.growth(runs[:1], "touches", {"fit": "the fit"})
