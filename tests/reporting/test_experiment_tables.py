"""The table of experiments agrees with the marts."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from lydite.reporting.experiment_tables import (
    HEADS,
    experiments_of,
    experiments_summary,
    finding,
    show,
    show_difference,
    show_interval,
)
from lydite.reporting.report import report_html
from tests.helpers.made_comparisons import make_comparison
from tests.helpers.made_experiments import READOUT, compare_with_experiments

ROW = READOUT | {
    "hypothesis": "Ads on our <b>name</b> bring purchases.", "users": 9_977, "mean": 0.0853,
    "control_mean": 0.0725, "difference": 0.0128, "difference_low": 0.0053,
    "difference_high": 0.0203, "always_low": -0.001, "always_high": 0.03, "verdict": "higher",
}  # fmt: skip
CONTROL = READOUT | {
    "hypothesis": ROW["hypothesis"], "arm": "control", "mean": 0.0725, "verdict": None,
}  # fmt: skip
CLICKS = ROW | {"experiment": "Subjects", "varies": "message", "channel": "email",
                "outcome": "click", "may_read": "always_valid"}  # fmt: skip


def test_each_experiment_has_a_row_per_arm_that_is_compared():
    checks = [
        {"experiment": "brand_holdout", "check_name": "a", "status": "warning", "text": "Care."},
        {"experiment": "brand_holdout", "check_name": "b", "status": "passed", "text": "Fine."},
    ]
    made = compare_with_experiments(readout=[CONTROL, ROW, CLICKS])
    marts = made.marts | {"experiment_checks": pl.DataFrame(checks)}
    brand, subjects = experiments_of(type(made)(marts, made.outcomes, {}))
    assert (brand.name, brand.about) == ("Brand holdout", "holdout of branded search")
    assert (subjects.name, subjects.about) == ("Subjects", "messages of email")
    assert brand.notes == ["Care."]
    [cells] = brand.rows
    assert dict(zip(HEADS, cells, strict=True)) == {
        "outcome": "purchase (decides)", "arm": "treated", "in control": "7.25%",
        "in the arm": "8.53%", "difference": "+1.28 points", "interval": "+0.53 to +2.03",
        "finding": "higher",
    }  # fmt: skip
    assert subjects.rows[0][5] == "−0.10 to +3.00"


def test_how_many_experiments_there_are_is_said():
    assert experiments_summary(make_comparison()) == ""
    assert experiments_of(make_comparison()) == []
    made = compare_with_experiments(readout=[CONTROL, ROW, CLICKS])
    assert experiments_summary(made) == "1 over, 1 going on"


def test_values_have_the_decimals_of_their_error_and_missing_figures_are_empty():
    row = ROW | {"metric": "value", "difference": 0.4213, "difference_low": -0.0931,
                 "difference_high": 0.9357}  # fmt: skip
    assert show(row, 4.7831) == "4.78"
    assert show_difference(row) == "+0.42"
    assert show_interval(row) == "−0.09 to +0.94"
    assert show_difference(row | {"difference": -0.0001}) == "0.00"
    nothing = dict.fromkeys(ROW) | {"may_read": "none", "verdict": "not_readable"}
    assert show_difference(nothing) == show_interval(nothing) == show(nothing, None) == ""
    assert finding(nothing) == "cannot be read"


@pytest.mark.parametrize("seed", range(20))
def test_rates_are_those_of_the_mart(seed):
    rng = np.random.default_rng(seed)
    rates = np.sort(rng.random(2))
    row = ROW | {"control_mean": rates[0], "mean": rates[1], "difference": rates[1] - rates[0]}
    [experiment] = experiments_of(compare_with_experiments(readout=[row]))
    _, _, control, arm, difference, *_ = experiment.rows[0]
    assert float(control.rstrip("%")) == pytest.approx(100 * rates[0], abs=0.0051)
    assert float(arm.rstrip("%")) == pytest.approx(100 * rates[1], abs=0.0051)
    assert float(difference.split()[0]) == pytest.approx(100 * (rates[1] - rates[0]), abs=0.0051)


def test_the_report_has_them_and_escapes_texts():
    text = report_html(compare_with_experiments(readout=[CONTROL, ROW]))
    assert "<h3>Brand holdout</h3>" in text
    assert "Hypothesis (holdout of branded search): Ads on our &lt;b&gt;name" in text
    assert "+1.28 points" in text
