"""Predicted experiments on the terminal and in the report."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import polars as pl
import pytest
from rich.console import Console

from lydite.experiments.left_out import summarise_predictions
from lydite.reporting.experiment_predictions import (
    ABOUT,
    TITLE,
    Predictions,
    predictions_of,
    print_predictions,
)
from lydite.reporting.report import report_html
from tests.helpers.made_comparisons import CONTENDERS, make_comparison

EXPERIMENTS = [
    ("email", 20.0, 30.0, 18.0), ("email", 40.0, 35.0, 90.0), ("paid_social", 120.0, 110.0, 300.0),
]  # fmt: skip


def predicted(number=3):
    """Return a comparison for purchases with the summary of so many predicted experiments."""
    made = make_comparison(("purchase", CONTENDERS))
    rows = [
        {
            "outcome": "purchase", "method": method, "model": model, "channel": channel,
            "measured": measured,
            "predicted": calibrated if method == "calibrated" else credit * factor,
            "predicted_low": calibrated - 8 if method == "calibrated" else None,
            "predicted_high": calibrated + 8 if method == "calibrated" else None,
        }
        for channel, measured, calibrated, credit in EXPERIMENTS[:number]
        for method, model, factor in (
            ("credit", "last_touch", 1.0), ("calibrated", "last_touch", 1.0),
            ("credit", "linear", 0.5),
        )
    ]  # fmt: skip
    summary = summarise_predictions(
        pl.DataFrame(rows, infer_schema_length=None), ("outcome", "method", "model")
    )
    return replace(made, marts={**made.marts, "experiment_prediction_summary": summary})


def test_calibrated_credit_comes_first_and_then_the_nearest_model():
    found = predictions_of(predicted(), "purchase")
    assert [cells[0] for cells in found.methods] == [
        "calibrated credit (last touch)", "credit by linear", "credit by last touch",
    ]  # fmt: skip
    calibrated, linear, _ = found.methods
    assert calibrated[1:] == ("0.96", "0.99", "8.33", "33%")
    assert linear[-1] == ""
    assert [cells[0] for cells in found.channels] == ["Paid social", "Email"]
    assert found.channels[1][1:] == ("2", "7.50", "26")


@pytest.mark.parametrize("number", [1, 2])
def test_with_few_experiments_nothing_is_shown(number):
    assert predictions_of(predicted(number), "purchase") == Predictions()


def test_the_terminal_and_the_report_show_them_where_there_are_enough():
    for made, is_there in ((predicted(), True), (predicted(2), False), (make_comparison(), False)):
        console = Console(file=StringIO(), width=110, color_system=None)
        print_predictions(made, "purchase", console)
        text = " ".join(console.file.getvalue().split())
        assert (TITLE in text) is is_there
        assert (ABOUT in text) is is_there
        html = report_html(made)
        assert ("Predicted experiments for purchase" in html) is is_there
        assert (TITLE in html) is is_there
