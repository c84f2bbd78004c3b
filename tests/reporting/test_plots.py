"""Charts of results: they are drawn, saved, and show the figures of the tables."""

from __future__ import annotations

import polars as pl
import pytest

import lydite
from lydite.errors import InputError
from tests.helpers.made_comparisons import (
    BEST,
    CONTENDERS,
    make_comparison,
    make_empty,
    make_path_comparison,
)


@pytest.fixture
def comparison():
    return make_comparison(("purchase", BEST), ("lead", CONTENDERS))


@pytest.fixture(scope="module")
def credit():
    paths = pl.DataFrame({"path": ["a > b", "b", "c > b"], "conversions": [3, 1, 2]})
    return lydite.credit(paths, models=["linear", "last_touch"], intervals=False)


@pytest.mark.parametrize("name", ["credit", "models", "evidence"])
def test_charts_are_saved_as_svg_and_html(comparison, name, tmp_path):
    for outcome in (None, "lead"):
        chart = getattr(comparison.plot, name)(outcome)
        chart.save(tmp_path / "chart.svg")
        chart.save(tmp_path / "chart.html")
        assert "<svg" in (tmp_path / "chart.svg").read_text(encoding="utf-8")


def values(chart, part: int) -> list[dict[str, object]]:
    spec = chart.to_dict()
    data = spec["layer"][part].get("data") or spec["data"]
    return data.get("values") or spec["datasets"][data["name"]]


def test_credit_is_that_of_the_table_with_the_range_over_standing_models(comparison):
    table = comparison.credit.filter(
        pl.col("outcome") == "purchase", pl.col("model") == "linear",
        pl.col("channel") != "(unattributed)",
    )  # fmt: skip
    chart = comparison.plot.credit("purchase", "linear")
    ranges, bounds, points = (values(chart, part) for part in range(3))
    assert points == bounds
    assert "range over all models that stand" in str(chart.to_dict()["title"])
    figures = {row["channel"]: row["conversions"] for row in points}
    assert figures == dict(table.select("channel", "conversions").rows())
    found = {row["channel"]: (row["standing_low"], row["standing_high"]) for row in ranges}
    assert found == {
        channel: (low, high)
        for channel, low, high in table.select("channel", "standing_low", "standing_high").rows()
    }


def test_credit_without_verdicts_has_no_range(credit):
    chart = credit.plot.credit()
    assert len(chart.to_dict()["layer"]) == 2
    points = values(chart, 1)
    assert len(points) == 6
    assert credit.plot.credit(models=["linear"]).to_dict() != chart.to_dict()


def test_what_cannot_be_drawn_is_refused(comparison, credit):
    for draw in (comparison.plot.credit, comparison.plot.models, comparison.plot.evidence):
        with pytest.raises(InputError, match="there is no outcome 'sale'; there are: purchase"):
            draw("sale")
    with pytest.raises(InputError, match="there is no credit of 'linaer'"):
        comparison.plot.credit(models="linaer")
    with pytest.raises(InputError, match="a path table has no outcomes|no outcomes"):
        credit.plot.credit("sale")
    with pytest.raises(InputError, match="a path table has no periods"):
        make_path_comparison(BEST).plot.evidence()
    with pytest.raises(InputError, match="there is nothing to draw"):
        make_empty().plot.models()
