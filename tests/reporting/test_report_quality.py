"""The state of the data, for the report."""

from __future__ import annotations

import polars as pl

from lydite.reporting.report_quality import report_quality
from lydite.results import Comparison
from tests.helpers.made_comparisons import make_comparison, make_empty


def test_rows_by_table_and_those_set_aside():
    found = report_quality(make_comparison(quarantined={"spend": {"bad": 3, "worse": 4}}))
    assert found.about == "7 rows set aside"
    assert found.tables["touchpoints"]["duplicate"] == 12
    assert found.quarantined == [("spend", "worse", 4), ("spend", "bad", 3)]
    assert report_quality(make_empty()).about == "all rows were usable"


def match(*rows: tuple[str, str, float | None]) -> Comparison:
    full = make_comparison()
    names = {"channel": pl.String, "status": pl.String, "spend": pl.Float64}
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return Comparison({**full.marts, "spend_match": frame}, full.outcomes, {})


def test_what_does_not_match_is_listed_with_the_largest_spend_first():
    found = report_quality(
        match(
            ("tv_ads", "spend_without_touches", 10.0),
            ("mail", "touches_without_spend", None),
            ("radio", "outside_period", 25.0),
            ("radio", "outside_period", 5.0),
            ("ok", "matched", 90.0),
        )
    )
    assert [(channel, spend) for channel, _, spend in found.mismatches] == [
        ("Radio", "30"), ("Tv ads", "10"), ("Mail", ""),
    ]  # fmt: skip


def test_without_any_spend_nothing_is_missing():
    assert report_quality(match(("mail", "touches_without_spend", None))).mismatches == []
