"""The charts of the report."""

import math

import polars as pl
import pytest

from lydite.reporting.charts import evidence_chart, improvement_chart
from lydite.reporting.display_names import model_label
from lydite.results import Comparison
from tests.helpers.made_comparisons import (
    BEST,
    EVERY_KIND,
    MANY,
    SEGMENTS,
    make_comparison,
    make_empty,
    make_path_comparison,
)

_ALL = (improvement_chart, evidence_chart)


def _records(chart):
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


@pytest.mark.parametrize("make", _ALL)
@pytest.mark.parametrize("rivals", [*EVERY_KIND.values(), MANY], ids=[*EVERY_KIND, "many"])
def test_every_kind_of_verdict_can_be_drawn(make, rivals):
    assert _records(make(make_comparison(("purchase", rivals)), "purchase"))


@pytest.mark.parametrize("make", _ALL)
def test_empty_comparisons_have_no_charts(make):
    assert make(make_empty(), "purchase") is None
    assert make(Comparison({}, [], {}), "purchase") is None


def test_every_rival_is_drawn_with_its_bounds():
    rows = _records(improvement_chart(make_comparison(), "purchase"))
    drawn = {row["model"]: row for row in rows if "model" in row}
    assert set(drawn) == {model_label(model) for model, *_ in BEST}
    assert all(row["low"] < row["explained"] < row["high"] for row in drawn.values())
    assert {row["label"] for row in rows if "label" in row} == {"activity alone", "best achieved"}


def test_a_refuted_model_far_behind_stays_at_the_edge():
    chart = improvement_chart(make_comparison(("purchase", MANY)), "purchase")
    drawn = {row["model"]: row for row in _records(chart) if "model" in row}
    assert [name for name, row in drawn.items() if row["outside"]] == ["hopeless"]
    hopeless = drawn.pop("hopeless")
    assert hopeless["explained_text"] == "−90.00%"
    assert -0.1 < hopeless["place"] < min(row["explained"] for row in drawn.values())
    assert all(row["place"] == row["explained"] for row in drawn.values())


def test_a_path_table_has_no_evidence_over_time():
    comparison = make_path_comparison()
    assert evidence_chart(comparison, "conversion") is None
    assert _records(improvement_chart(comparison, "conversion"))


def test_infinite_bounds_are_left_out_of_the_evidence():
    full = make_comparison()
    frame = full.marts["evidence"].with_columns(explained_low=pl.lit(-math.inf))
    comparison = Comparison({**full.marts, "evidence": frame}, full.outcomes, {})
    chart = evidence_chart(comparison, "purchase")
    assert all(row.get("low") is None for row in _records(chart))


@pytest.mark.parametrize("make", _ALL)
def test_charts_are_about_all_users(make):
    whole = make_comparison(("purchase", BEST))
    with_segments = make_comparison(("purchase", BEST), segments=SEGMENTS)
    assert _records(make(with_segments, "purchase")) == _records(make(whole, "purchase"))
