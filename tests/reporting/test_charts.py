"""The charts of the page."""

import math

import polars as pl
import pytest

from lydite.reporting.charts import credit_chart, evidence_chart, explained_chart
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

_ALL = (explained_chart, credit_chart, evidence_chart)


def _records(chart):
    return [row for rows in chart.to_dict()["datasets"].values() for row in rows]


@pytest.mark.parametrize("make", _ALL)
@pytest.mark.parametrize("rivals", [*EVERY_KIND.values(), MANY], ids=[*EVERY_KIND, "many"])
def test_every_kind_of_verdict_can_be_drawn(make, rivals):
    assert _records(make(make_comparison(("purchase", rivals)), "purchase"))


@pytest.mark.parametrize("make", _ALL)
def test_nothing_is_drawn_of_nothing(make):
    assert make(make_empty(), "purchase") is None
    assert make(Comparison({}, [], {}), "purchase") is None


def test_every_rival_is_drawn_with_its_bounds():
    rows = _records(explained_chart(make_comparison(), "purchase"))
    drawn = {row["model"]: row for row in rows if "model" in row}
    assert set(drawn) == {model for model, *_ in BEST}
    assert all(row["low"] < row["explained"] < row["high"] for row in drawn.values())
    assert {row["label"] for row in rows if "label" in row} == {"touch volume", "ceiling"}


def test_a_refuted_model_far_behind_stays_at_the_edge():
    chart = explained_chart(make_comparison(("purchase", MANY)), "purchase")
    drawn = {row["model"]: row for row in _records(chart) if "model" in row}
    assert [name for name, row in drawn.items() if row["outside"]] == ["hopeless"]
    hopeless = drawn.pop("hopeless")
    assert hopeless["explained_text"] == "−90.00%"
    assert -0.1 < hopeless["place"] < min(row["explained"] for row in drawn.values())
    assert all(row["place"] == row["explained"] for row in drawn.values())


def test_the_heat_map_tells_intervals_but_not_of_channels_put_together():
    channels = tuple(f"channel_{i}" for i in range(40))
    rows = _records(credit_chart(make_comparison(channels=channels), "purchase"))
    told = {row["channel"] == "(other channels)": row["interval"] for row in rows}
    assert told[True] == "not known"
    assert " to " in told[False]


def test_no_evidence_over_time_of_a_path_table():
    comparison = make_path_comparison()
    assert evidence_chart(comparison, "conversion") is None
    assert _records(explained_chart(comparison, "conversion"))
    assert _records(credit_chart(comparison, "conversion"))


def test_minor_channels_are_put_together():
    channels = tuple(f"channel_{i}" for i in range(40))
    rows = _records(credit_chart(make_comparison(channels=channels), "purchase"))
    assert len({row["channel"] for row in rows}) == 26
    for model, *_ in BEST:
        total = sum(row["share"] for row in rows if row["model"] == model)
        assert math.isclose(total, 1)


def test_bounds_without_end_are_left_out_of_the_evidence():
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
