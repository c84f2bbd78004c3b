"""Charts as SVG in the report."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace

import polars as pl
import pytest

from lydite.reporting.charts import evidence_chart, improvement_chart
from lydite.reporting.static_charts import static_svg
from tests.helpers.made_comparisons import CONTENDERS, make_comparison
from tests.helpers.made_rows import EVIDENCE, WEEKS, evidence_rows

_ATTACK = "</svg><script>x</script>"
#: Models of `CONTENDERS` that stand and differ.
LINES = 2


def drawn(make, outcome: str = "purchase", title: str = "a title") -> str:
    return static_svg(make(make_comparison((outcome, CONTENDERS)), outcome).to_dict(), "id", title)


@pytest.mark.parametrize("make", [improvement_chart, evidence_chart])
def test_a_chart_is_one_element_without_scripts_or_addresses(make):
    svg = drawn(make)
    root = ET.fromstring(svg)
    assert root.tag == "svg"
    assert root.get("role") == "img"
    assert root.get("aria-label") == "a title"
    assert root.get("width") is None
    assert not re.search(r"<script|https?:|onload", svg)


def test_texts_and_lines_follow_the_style_of_the_report():
    svg = drawn(improvement_chart)
    assert 'fill="var(--ink)"' in svg
    assert 'stroke="var(--line)"' in svg
    assert "#1f2933" not in svg
    assert "#000" not in svg


def test_ids_are_those_of_the_chart_alone():
    svg = drawn(evidence_chart)
    ids = re.findall(r'id="([^"]*)"', svg)
    assert ids
    assert all(name.startswith("id-") for name in ids)
    assert set(re.findall(r"url\(#([^)]*)\)", svg)) <= set(ids)


def test_places_are_short_and_texts_are_whole():
    chart = evidence_chart(make_comparison(("purchase", CONTENDERS)), "purchase")
    svg = static_svg(chart.to_dict(), "id", "a title")
    places = re.findall(r' d="([^"]*)"', svg)
    assert places
    assert not any(re.search(r"\.\d{3}", place) for place in places)
    assert "period, by its first day" in svg
    assert len(svg) < 40_000


def test_the_title_is_escaped():
    assert _ATTACK not in drawn(improvement_chart, title=_ATTACK)


def test_points_share_their_shape():
    svg = drawn(evidence_chart)
    points = re.findall(r'<use href="#([^"]*)"', svg)
    assert len(points) == LINES * WEEKS
    shapes = set(points)
    assert len(shapes) == LINES
    for shape in shapes:
        assert svg.count(f'id="{shape}"') == 1


def test_a_long_history_has_lines_with_few_points():
    comparison = make_comparison(("purchase", CONTENDERS))
    rows = evidence_rows("purchase", "all", CONTENDERS, {}, weeks=104)
    long = replace(
        comparison, marts={**comparison.marts, "evidence": pl.DataFrame(rows, schema=EVIDENCE)}
    )
    svg = static_svg(evidence_chart(long, "purchase").to_dict(), "id", "a title")
    assert svg.count("<use ") == 18 * LINES
    lines = re.findall(r' d="(M[^"]*)" stroke=', svg)
    assert len([line for line in lines if line.count("L") == 103]) == LINES
