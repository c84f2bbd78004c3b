"""What experiments measured next to what a model expected, in words and on all surfaces."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import StringIO

import polars as pl
import pytest
from rich.console import Console

from lydite.experiments.credit import AGREEMENT_COLUMNS
from lydite.experiments.hypothesis_check import CHECKED_COLUMNS
from lydite.reporting.against_experiments import (
    TITLE,
    compared_with_experiments,
    experiments_about,
    print_against_experiments,
)
from lydite.reporting.channel_money import model_to_show
from lydite.reporting.report import report_html
from lydite.reporting.terminal import print_comparison
from tests.helpers.made_comparisons import CONTENDERS, make_comparison

OVERSTATES = {
    "experiment": "brand", "outcome": "purchase", "channel": "brand_search", "model": "linear",
    "users": 5_000, "measured": 40.4, "status": "overstates", "users_needed": 900,
    "read_on": date(2026, 4, 1),
}  # fmt: skip
SMALL = {**OVERSTATES, "experiment": "mail", "status": "uninformative", "users_needed": 120_000}


def compared(*rows, credit=None, outcome="purchase"):
    """Return a comparison in which experiments are compared with models."""
    made = make_comparison((outcome, CONTENDERS))
    expected = [{**row, "expected": 790.0} for row in rows]
    credited = [{**row, "credited": 812.0, **(credit or {})} for row in rows]
    tables = {
        "experiment_hypotheses": pl.DataFrame(expected, schema=CHECKED_COLUMNS, orient="row"),
        "experiment_agreement": pl.DataFrame(credited, schema=AGREEMENT_COLUMNS, orient="row"),
    }
    return replace(made, marts={**made.marts, **tables})


def of_shown(*rows, **changes):
    """Return the same for the model that is shown."""
    model = model_to_show(make_comparison(("purchase", CONTENDERS)), "purchase")
    return compared(*({**row, "model": model} for row in rows), **changes)


def test_expected_credited_and_measured_are_in_one_sentence():
    [text] = compared_with_experiments(of_shown(OVERSTATES), "purchase")
    assert text.startswith("brand: ")
    assert "expected 790 purchases from brand search and credits it with 812" in text
    assert "the experiment measured 40. The credit is too high for sure" in text
    assert "the expectation is too high for sure." in text
    assert text.endswith("the experiment wins.")


def test_a_small_experiment_says_how_many_users_it_takes():
    [text] = compared_with_experiments(of_shown(SMALL), "purchase")
    assert "The credit cannot be judged, the expectation cannot be judged." in text
    assert text.endswith("It would have taken about 120,000 users.")
    assert "wins" not in text


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((OVERSTATES,), "1 of 1 experiment contradicts "),
        ((OVERSTATES, SMALL), "1 of 2 experiments contradicts "),
        ((SMALL,), "no contradiction of "),
    ],
)
def test_the_contradictions_are_counted(rows, said):
    assert experiments_about(of_shown(*rows), "purchase").startswith(said)


def test_experiments_are_chosen_by_name():
    made = of_shown(OVERSTATES, SMALL)
    assert len(compared_with_experiments(made, "purchase")) == 2
    [text] = compared_with_experiments(made, "purchase", ["mail"])
    assert text.startswith("mail: ")


def test_it_is_on_the_terminal_and_in_the_report_where_there_are_experiments():
    for made, is_there in ((of_shown(OVERSTATES), True), (make_comparison(), False)):
        console = Console(file=StringIO(), width=200, color_system=None)
        print_comparison(made, console)
        assert (TITLE in console.file.getvalue()) is is_there
        assert (TITLE in report_html(made)) is is_there


def test_models_without_experiments_have_no_sentence():
    made = compared({**OVERSTATES, "model": "unknown"})
    console = Console(file=StringIO(), width=200)
    print_against_experiments(made, "purchase", console)
    assert compared_with_experiments(made, "purchase") == []
    assert experiments_about(made, "purchase") == ""
    assert console.file.getvalue() == ""
