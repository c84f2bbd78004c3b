"""The part of the report on one outcome."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl
import pytest

from lydite.reporting.report_section import about_costs, make_section
from tests.helpers.made_comparisons import (
    BEST,
    CONTENDERS,
    EVERY_KIND,
    MANY,
    SEGMENTS,
    make_comparison,
    make_empty,
    make_path_comparison,
)

if TYPE_CHECKING:
    from lydite.results import Comparison


def section(comparison: Comparison, outcome: str = "purchase"):
    return make_section(comparison, outcome, "outcome-0", 2)


@pytest.mark.parametrize(
    ("shares", "words"),
    [
        ((1.0, 1.0), ("The cost of a channel is charged to every outcome in full: do not add it up"
         " over outcomes.")),
        ((0.75, 0.25), ("The cost of a channel is shared out by value: 75% to leads and 25% to"
         " purchases.")),
        ((1.0, None), ("Leads are charged with the full cost of a channel. Purchases are charged"
         " with no cost.")),
    ],
)  # fmt: skip
def test_the_report_says_how_costs_are_charged(shares, words):
    full = make_comparison(("lead", BEST), ("purchase", CONTENDERS))
    counts = [
        {**row, "cost_share": share} for row, share in zip(full.outcomes, shares, strict=True)
    ]
    assert about_costs(replace(full, outcomes=counts)) == words
    assert about_costs(make_comparison(("lead", BEST))) == ""


@pytest.mark.parametrize("rivals", [*EVERY_KIND.values(), MANY], ids=[*EVERY_KIND, "many"])
def test_every_model_is_in_a_family_or_ruled_out(rivals):
    found = section(make_comparison(("purchase", rivals)))
    shown = [row.model for _, rows in found.families for row in rows if not row.is_reference]
    out = [row.model for row in found.ruled_out]
    assert sorted(shown + out) == sorted(model for model, *_ in rivals)
    assert out == [model for model, verdict, *_ in rivals if verdict == "refuted"]


def test_families_begin_with_the_family_of_the_best_model():
    families = [name for name, _ in section(make_comparison(("purchase", MANY))).families]
    assert families[-1] == "Baselines, and the best achieved"
    assert families[0] == "Rules"


def test_the_data_of_the_pickers_are_those_of_the_table():
    comparison = make_comparison(("purchase", CONTENDERS))
    found = section(comparison)
    assert json.loads(json.dumps(found.data, allow_nan=False)) == found.data
    credit = comparison.marts["channel_credit"].filter(pl.col("channel") != "(unattributed)")
    for choice, model in zip(found.models_to_pick, found.data["models"], strict=True):
        own = credit.filter(pl.col("model") == choice.name)
        assert sorted(model["conversions"]) == pytest.approx(sorted(own["conversions"]))
        middle = [(low + high) / 2 for low, high in zip(model["low"], model["high"], strict=True)]
        drawn = [
            1_000 * n / sum(model["conversions"]) / found.data["top"] for n in model["conversions"]
        ]
        assert middle == pytest.approx(drawn, abs=1)
    assert len(found.data["names"]) == len(found.chart.rows) + len(found.chart.smaller)
    assert [choice.label for choice in found.models_to_pick] == [
        "Linear", "Last touch", "Markov chain, 1 step", "First touch (ruled out)",
    ]  # fmt: skip


def test_segments_that_differ_are_counted():
    found = section(make_comparison(("purchase", BEST), segments=SEGMENTS))
    differ = sum(row.agrees == "no" for row in found.segments[0])
    assert found.segments_about == f"{differ} of 5 differ"


def test_nothing_is_needed_but_the_counts():
    empty = section(make_empty())
    assert empty.chart is empty.move is empty.model is None
    assert empty.data == {}
    paths = section(make_path_comparison(), "conversion")
    assert paths.is_path_table
    assert not any(chart.kind == "evidence" for chart in paths.charts)
