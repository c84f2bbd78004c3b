"""The chart of forecast against observed rates."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lydite.reporting.calibration_chart import calibration_chart, likeliest
from tests.helpers.made_comparisons import CONTENDERS, make_comparison
from tests.helpers.made_marts import calibration

if TYPE_CHECKING:
    from lydite.results import Comparison


def calibrated() -> Comparison:
    full = make_comparison(("purchase", CONTENDERS))
    return replace(full, marts={**full.marts, "calibration": calibration(full)})


def test_the_points_are_the_bins_of_models_that_stand():
    spec = calibration_chart(calibrated(), "purchase").to_dict()
    largest = max(spec["datasets"].values(), key=len)
    assert {row["model"] for row in largest} == {"Linear", "Last touch"}
    assert len(largest) == 2 * 10


def test_the_likeliest_touches_are_those_of_the_last_bin():
    assert likeliest(calibrated(), "purchase") == (0.02, 0.022)


def test_without_bins_there_is_no_chart():
    comparison = make_comparison(("purchase", CONTENDERS))
    assert calibration_chart(comparison, "purchase") is None
    assert likeliest(comparison, "purchase") is None
