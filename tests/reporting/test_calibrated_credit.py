"""Calibrated credit on the terminal and in the report."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import polars as pl
from rich.console import Console

from lydite.experiments.calibrated_credit import calibrate_credit
from lydite.experiments.incrementality import ChannelTest, estimate_incrementality
from lydite.reporting.calibrated_credit import ABOUT, calibrated_rows, calibrated_title
from lydite.reporting.report import report_html
from lydite.reporting.terminal import print_comparison
from tests.helpers.made_comparisons import CONTENDERS, make_comparison


def calibrated():
    """Return a comparison for purchases in which an experiment has calibrated the credit."""
    made = make_comparison(("purchase", CONTENDERS))
    tests = [ChannelTest("email", 20, 25, 200)]
    posterior = estimate_incrementality(["email", "paid_social"], tests)
    table = calibrate_credit({"paid_social": 500.0, "email": 400.0}, 2_311, posterior).select(
        pl.lit("purchase").alias("outcome"), pl.lit("last_touch").alias("model"), pl.all()
    )
    return replace(made, marts={**made.marts, "calibrated_credit": table})


def test_channels_come_by_what_they_cause_and_the_baseline_last():
    made = calibrated()
    rows = calibrated_rows(made, "purchase")
    assert [row.channel for row in rows] == ["Paid social", "Email", "Baseline"]
    email = rows[1]
    assert (email.credited, email.share) == ("400", "0.10")
    assert email.own.endswith("%")
    assert rows[0].own == "0%"
    assert (rows[2].credited, rows[2].share, rows[2].own) == ("", "", "")
    assert calibrated_title(made, "purchase") == ("Credit by last touch, calibrated by experiments")


def test_the_terminal_and_the_report_show_it_where_there_are_experiments():
    for made, is_there in ((calibrated(), True), (make_comparison(), False)):
        console = Console(file=StringIO(), width=110, color_system=None)
        print_comparison(made, console)
        text = " ".join(console.file.getvalue().split())
        assert ("calibrated by experiments" in text) is is_there
        assert (ABOUT in text) is is_there
        assert ("Calibrated credit for purchase" in report_html(made)) is is_there
