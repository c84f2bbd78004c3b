"""The model in use in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import StringIO

import polars as pl
import pytest
from rich.console import Console

from lydite.decisions.champions import make_champions
from lydite.reporting.champion import champion_alert, champion_line, champion_of
from lydite.reporting.report import report_html
from lydite.reporting.terminal import print_comparison
from tests.helpers.made_comparisons import ALL_REFUTED, BEST, CONTENDERS, make_comparison
from tests.helpers.made_decisions import DECISION, compare_with_decisions
from tests.helpers.made_experiments import CALIBRATED_ROW, VERDICT, compare_with_experiments

REFUTED = replace(
    DECISION, to_model="time_decay", reason="the board <wants> it", despite="linear, since May"
)


def test_without_a_decision_it_is_in_use_until_somebody_decides():
    made = compare_with_decisions(CONTENDERS)
    assert champion_line(made, "purchase") == (
        "Last touch is in use until somebody decides. Challenger: linear (contender)."
    )
    assert champion_alert(made, "purchase") == ""


def test_a_decision_has_its_day_person_and_reason():
    made = compare_with_decisions(BEST, DECISION)
    assert champion_line(made, "purchase") == (
        "In use: linear, decided on 2026-03-02 by ann: it has led since May."
    )


def test_a_refuted_champion_says_so_with_what_to_do():
    assert champion_alert(compare_with_decisions(BEST), "purchase") == (
        "The model in use for purchases, last touch, is refuted: linear forecasts better for sure,"
        " since the period from 2025-05-05. The evidence would put linear in its place:"
        " lydite promote linear --outcome purchase --reason ..."
    )
    assert champion_alert(
        compare_with_decisions(ALL_REFUTED, DECISION), "purchase"
    ).endswith("No other model stands.")  # fmt: skip


def test_a_refuted_model_that_was_promoted_says_so():
    made = compare_with_decisions(BEST, REFUTED)
    alert, line = champion_alert(made, "purchase"), champion_line(made, "purchase")
    assert "ann promoted it nevertheless (the board <wants> it)." in alert
    assert "It was promoted although it was refuted by linear, since May." in line


@pytest.mark.parametrize("log", [(), (replace(DECISION, to_model="gone"),)])
def test_a_champion_that_was_not_compared_is_named_if_it_was_decided(log):
    rivals = (("linear", "best", 0.03, None, ""),)
    line = champion_line(compare_with_decisions(rivals, *log), "purchase")
    assert ("In use: gone" in line, "was not compared" in line) == (bool(log), bool(log))


def test_an_experiment_that_contradicts_the_champion_is_named():
    made = compare_with_decisions(CONTENDERS, DECISION)
    read = made.marts["champions"].with_columns(
        is_refuted=True, refuted_by_experiment=pl.lit("holdout"), refuted_in=date(2026, 4, 1)
    )
    made = replace(made, marts={**made.marts, "champions": read})
    assert champion_alert(made, "purchase").startswith(
        "The model in use for purchases, linear, is refuted: the experiment holdout contradicts it."
    )


@pytest.mark.parametrize(
    ("contradicted", "calibrated", "ends"),
    [
        (["last_touch"], (), "lydite promote linear --outcome purchase --reason ..."),
        (["last_touch", "linear", "markov_1"], (), "all others that forecast well."),
        (
            ["last_touch", "linear", "markov_1"],
            (CALIBRATED_ROW,),
            "See the calibrated credit.",
        ),
    ],
)
def test_experiments_may_leave_no_other_model(contradicted, calibrated, ends):
    verdicts = [VERDICT | {"model": model} for model in contradicted]
    made = compare_with_experiments(verdicts=verdicts, calibrated=calibrated)
    marts = {**made.marts, "outcomes": pl.DataFrame(made.outcomes)}
    made = replace(made, marts={**made.marts, "champions": make_champions(marts, ())})
    alert = champion_alert(made, "purchase")
    assert "the experiment brand holdout contradicts it." in alert
    assert alert.endswith(ends)


def test_without_the_table_nothing_is_said():
    made = make_comparison()
    assert champion_of(made, "purchase") is None
    assert champion_line(made, "purchase") == champion_alert(made, "purchase") == ""


def test_the_terminal_and_the_report_say_it_first():
    made = compare_with_decisions(BEST, REFUTED)
    console = Console(file=StringIO(), width=100, color_system=None)
    print_comparison(made, console)
    text = " ".join(console.file.getvalue().split())
    assert text.index("is refuted: linear forecasts") < text.index("30d lookback")
    assert "In use: time decay" in text
    report = report_html(made)
    assert "Time decay (in use, ruled out)" in report
    assert report.index('role="alert"') < report.index("<h1>")
    assert "the board &lt;wants&gt; it" in report
    assert "the board <wants> it" not in report


def test_the_comparison_as_plain_data_has_the_champion():
    [record] = compare_with_decisions(BEST, DECISION).to_dict()["outcomes"].values()
    assert record["champion"]["model"] == "linear"
    assert record["champion"]["decided_at"] == "2026-03-02T10:00:00"
    assert "champion" not in make_comparison().to_dict()["outcomes"]["purchase"]
