"""The timeline in words, on the terminal and in the report."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from io import StringIO

import polars as pl
from rich.console import Console

from lydite.reporting.report import report_html
from lydite.reporting.timeline import events_of, print_history, refuted_hypotheses
from tests.helpers.made_comparisons import BEST, make_comparison
from tests.helpers.made_decisions import DECISION, compare_with_decisions

DAY = date(2026, 3, 2)
HYPOTHESES = {
    "outcome": pl.String, "model": pl.String, "claim": pl.String, "verdict": pl.String,
    "stands": pl.Boolean, "refuted_by": pl.String, "refuted_in": pl.Date,
    "refuted_by_experiment": pl.String, "is_compared": pl.Boolean,
}  # fmt: skip


def texts_of(*events):
    return [event.text for event in events_of(compare_with_decisions(events=events), "purchase")]


def test_events_are_told_in_order_and_those_of_one_day_together():
    found = events_of(compare_with_decisions(), "purchase")
    claims = "Linear: all touches count the same; Last touch: the last touch decides"
    assert [(event.day, event.text) for event in found] == [
        ("2026-01-05", f"tested: {claims}"),
        ("2026-02-02", "Last touch refuted by linear"),
        ("2026-02-09", "Challenger: linear"),
    ]  # fmt: skip


def test_many_hypotheses_are_counted():
    rows = [(DAY, "hypothesis", f"rule_{n}", None, "x") for n in range(5)]
    assert texts_of(*rows) == ["5 hypotheses are tested"]


def test_models_that_one_model_refuted_are_one_event_and_others_are_not():
    rows = [(DAY, "refuted", name, by, None) for name, by in
            (("a", "x"), ("b", "x"), ("c", "y"), ("d", None))]  # fmt: skip
    assert texts_of(*rows) == [
        "A and b refuted by x", "C refuted by y", "D refuted by another model"
    ]  # fmt: skip


def test_two_decisions_of_one_day_are_two_events():
    rows = [(DAY, "decision", name, "ann", f"why {name}") for name in ("linear", "shapley")]
    assert texts_of(*rows) == [
        "ann decided to use linear: why linear", "ann decided to use Shapley value: why shapley"
    ]  # fmt: skip


def test_the_other_events_are_sentences():
    assert texts_of((DAY, "contradicted", "linear", "holdout", None)) == [
        "Linear contradicted by the experiment holdout"
    ]
    kinds = ("stands_again", "best", "withdrawn", "returned", "champion_refuted")
    assert texts_of(*[(DAY, kind, "linear", "shapley", None) for kind in kinds]) == [
        "Linear stands again", "Linear best", "Linear no longer compared",
        "Linear compared again", "The model in use, linear, refuted by Shapley value",
    ]  # fmt: skip


def test_history_is_printed_with_refuted_models_of_the_past():
    made = compare_with_decisions(BEST, DECISION)
    rows = [
        ("purchase", "odd", "only [red]Mondays[/]", "refuted", False, "linear", DAY, None, False),
        ("purchase", "linear", "all count", "best", True, None, None, None, True),
    ]
    hypotheses = pl.DataFrame(rows, schema=HYPOTHESES, orient="row")
    made = type(made)({**made.marts, "hypotheses": hypotheses}, made.outcomes, {})
    assert [row["model"] for row in refuted_hypotheses(made, "purchase")] == ["odd"]
    console = Console(file=StringIO(), width=100, color_system=None)
    print_history(made, ["purchase"], console)
    text = " ".join(console.file.getvalue().split())
    assert "In use: linear, decided on 2026-03-02 by ann" in text
    assert "odd (no longer compared)" in text
    assert "only [red]Mondays[/]" in text
    assert "2026-02-02 Last touch refuted by linear" in text


def test_the_report_has_the_timeline_where_there_is_one():
    report = report_html(compare_with_decisions())
    assert 'class="timeline"' in report
    assert '<time datetime="2026-02-02">' in report
    assert 'class="timeline"' not in report_html(make_comparison())


def test_models_that_one_experiment_contradicts_are_one_event():
    events = [
        (date(2026, 3, 9), "contradicted", model, by, None)
        for model, by in (("a", "brand_holdout"), ("b", "radio"), ("c", "brand_holdout"))
    ]
    made = compare_with_decisions(events=tuple(events))
    assert [event.text for event in events_of(made, "purchase")] == [
        "A and c contradicted by the experiment brand holdout",
        "B contradicted by the experiment radio",
    ]


def test_the_model_in_use_may_be_refuted_by_an_experiment():
    made = compare_with_decisions(
        events=[(DAY, "champion_refuted", "last_touch", "brand_holdout", None)]
    )
    experiments = pl.DataFrame({"outcome": ["purchase"], "experiment": ["brand_holdout"]})
    made = replace(made, marts={**made.marts, "experiments": experiments})
    assert [event.text for event in events_of(made, "purchase")] == [
        "The model in use, last touch, refuted by the experiment brand holdout"
    ]
