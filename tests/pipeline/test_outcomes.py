"""Tests of outcomes: journeys, and histories too short for a verdict."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from lydite import compare, credit, pipeline
from lydite.durations import parse_duration
from lydite.engine import DuckDBEngine
from lydite.reporting.terminal import print_comparison
from tests.helpers.journeys import few_journeys

LOOKBACKS = {"conversion": timedelta(days=7)}
MODELS = ("first_touch", "last_touch")


def test_an_outcome_keeps_its_lookback(engine):
    [row] = pipeline.read_outcomes(engine)
    assert row["lookback"] == "7d"
    assert row["mature_until"] == row["as_of"] - LOOKBACKS["conversion"]
    assert pipeline.calendar_of(engine, row).lookback == LOOKBACKS["conversion"]


@pytest.mark.parametrize("days", [1, 30, 60])
def test_with_too_short_a_history_every_model_has_credit_and_is_too_early(days):
    result = compare(**few_journeys(days))
    record = result.to_dict()["outcomes"]["conversion"]
    assert "too short a history" in record["note"]
    assert {model["verdict"] for model in record["models"]} == {"too_early"}
    credit = {(row["model"], row["channel"]): row["conversions"] for row in record["credit"]}
    assert {model["model"] for model in record["models"]} == {model for model, _ in credit}
    assert credit["linear", "ad"] == credit["linear", "mail"] == pytest.approx(days / 2)
    assert credit["last_touch", "mail"] == days
    for model in record["models"]:
        name = model["model"]
        assert credit[name, "ad"] + credit[name, "mail"] == pytest.approx(days)
    assert ("no_verdict", record["note"]) in {
        (warning["kind"], warning["text"]) for warning in record["warnings"]
    }
    assert result.evidence.is_empty()
    assert result.verdict().startswith("Too little history to judge conversion.")


def test_the_date_of_the_first_forecast_is_on_every_surface(tmp_path):
    sources = few_journeys(30, 5)
    sources["conversions"] = sources["conversions"].slice(1)  # a user who does not convert
    result = compare(**sources, models=list(MODELS))
    # The 100th conversion is on Monday, 22 January 2024; it is known on Wednesday, 21 February.
    # The weeks of 26 February and 4 March are forecast, and known 30 days after 11 March.
    sentence = "The first forecast will be possible on 2024-04-10."
    [counts] = result.outcomes
    assert str(counts["first_forecast"]) == "2024-04-10"
    record = result.to_dict()["outcomes"]["conversion"]
    assert record["first_forecast"] == "2024-04-10"
    assert sentence in record["note"]
    assert sentence in result.verdict()
    assert sentence in result._repr_html_()
    console = Console(file=StringIO(), width=400)
    print_comparison(result, console)
    assert sentence in console.file.getvalue()
    result.to_html(tmp_path / "report.html")
    assert sentence in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_an_outcome_with_too_short_a_history_does_not_stop_another(sources):
    rare = sources["conversions"].head(5).with_columns(outcome=pl.lit("rare"))
    both = pl.concat([sources["conversions"].with_columns(outcome=pl.lit("usual")), rare])
    result = compare(sources["touchpoints"], both, lookback="7d", models=list(MODELS))
    outcomes = result.to_dict()["outcomes"]
    assert [model["verdict"] for model in outcomes["rare"]["models"]] == ["too_early"] * 2
    assert "note" in outcomes["rare"]
    assert "note" not in outcomes["usual"]
    assert {row["model"] for row in outcomes["rare"]["credit"]} == set(MODELS)


@pytest.mark.parametrize(("days", "per_day"), [(60, 4), (45, 9), (100, 3), (30, 40)])
def test_the_lookback_that_a_short_history_names_works(days, per_day):
    sources = few_journeys(days, per_day)
    sources["conversions"] = sources["conversions"].slice(1)  # a user who does not convert
    with DuckDBEngine() as engine:
        pipeline.load_inputs(engine, sources)

        def outcome_with(lookback: timedelta) -> dict[str, Any]:
            pipeline.build_journeys(engine, {"conversion": lookback}, "week")
            [row] = pipeline.read_outcomes(engine, scored_only=False)
            return row

        note = outcome_with(timedelta(days=days))["note"]
        longest = parse_duration(re.search(r"would work is (\w+)\.", note)[1])
        assert outcome_with(longest)["periods"] >= 2
        assert outcome_with(longest + timedelta(days=1))["periods"] == 0


@pytest.mark.parametrize(
    ("touches", "orders", "found"),
    [
        (0, 0, {}),
        (5, 0, {"touchpoints": 5}),
        (0, 2, {"conversions": 2}),
        (3, 1, {"conversions": 1, "touchpoints": 3}),
    ],
)
def test_equal_rows_are_counted_once_and_reported(tmp_path, touches, orders, found):
    sources = few_journeys(20)
    copies = {
        "touchpoints": pl.concat([sources["touchpoints"], sources["touchpoints"].head(touches)]),
        "conversions": pl.concat([sources["conversions"], sources["conversions"].head(orders)]),
    }
    result = compare(**copies, models=["linear"])
    assert result.duplicates == found
    assert result.to_dict().get("duplicates", {}) == found
    assert result.outcomes[0]["conversions"] == 20
    console = Console(file=StringIO(), width=100)
    print_comparison(result, console)
    result.to_html(tmp_path / "report.html")
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    for table, n in found.items():
        assert f"{table}: {n} copies" in console.file.getvalue()
        assert f"({n} duplicates counted once)" in report
    assert ("counted once" in console.file.getvalue()) == bool(found)


def test_equal_rows_without_an_id_can_be_kept():
    sources = few_journeys(20)
    copies = {name: pl.concat([frame, frame.head(3)]) for name, frame in sources.items()}
    result = compare(**copies, models=["linear"], keep_duplicates=True)
    assert result.duplicates == {}
    assert result.outcomes[0]["conversions"] == 23
    found = credit(**copies, models=["linear"], intervals=False, keep_duplicates=True)
    assert found.duplicates == {}
    assert found.table["conversions"].sum() == pytest.approx(23)
    assert credit(**copies, models=["linear"]).duplicates == {"conversions": 3, "touchpoints": 3}


@pytest.mark.parametrize(
    ("table", "column", "value", "reason"),
    [
        (
            "conversions",
            "value",
            "12,500",
            "value is not a number, or its separator is",
        ),
        ("conversions", "converted_at", "01/20/2024 23:44", "converted_at is missing or not a"),
        ("touchpoints", "touched_at", "01/20/2024 23:44", "touched_at is missing or not a time"),
        ("touchpoints", "channel", "", "channel is null or blank"),
    ],
)
def test_a_short_history_first_names_the_rows_that_were_set_aside(table, column, value, reason):
    sources = few_journeys(40)
    sources["conversions"] = sources["conversions"].with_columns(value=pl.lit("1"))
    texts = sources[table].with_columns(pl.all().cast(pl.String))
    bad = pl.int_range(pl.len()) < 7
    sources[table] = texts.with_columns(
        pl.when(bad).then(pl.lit(value)).otherwise(pl.col(column)).alias(column)
    )
    [counts] = compare(**sources, models=["linear"]).outcomes
    assert counts["note"].startswith(f"7 rows of {table} were set aside ({reason}")
    assert "too short a history" in counts["note"]


def all_converting_users(sources):
    """Return the touchpoints of users who convert at some time."""
    touches = sources["touchpoints"]
    converted = touches["user_id"].is_in(sources["conversions"]["user_id"].implode())
    return {**sources, "touchpoints": touches.filter(converted)}


def test_no_verdict_but_credit_where_every_user_converts(sources):
    result = compare(
        **all_converting_users(sources), lookback="7d", models=["linear", "last_touch"]
    )
    (counts,) = result.outcomes
    assert counts["note"] == pipeline.EVERY_USER_CONVERTS
    assert result.table.is_empty()
    assert result.verdict().startswith("No verdict on conversion. Every user with a touchpoint")
    credit = result.credit.group_by("model").agg(pl.col("conversions").sum())
    assert dict(credit.rows()) == pytest.approx(
        dict.fromkeys(("linear", "last_touch"), counts["conversions"])
    )
    assert result.to_dict()["outcomes"]["conversion"]["models"] == []
    assert "No verdict" in result._repr_html_()


def test_other_outcomes_keep_their_verdicts_where_every_user_converts_once(sources):
    first = sources["touchpoints"].group_by("user_id").agg(pl.col("touched_at").max())
    leads = first.select(
        "user_id", pl.col("touched_at").alias("converted_at"), outcome=pl.lit("lead")
    )
    conversions = pl.concat(
        [
            sources["conversions"].select("user_id", "converted_at", outcome=pl.lit("purchase")),
            leads.cast({"converted_at": sources["conversions"]["converted_at"].dtype}),
        ]
    )
    result = compare(
        sources["touchpoints"], conversions, lookback="7d", models=["linear", "last_touch"]
    )
    notes = {counts["outcome"]: counts["note"] for counts in result.outcomes}
    assert notes == {"lead": pipeline.EVERY_USER_CONVERTS, "purchase": ""}
    assert set(result.table["outcome"]) == {"purchase"}
    assert set(result.credit["outcome"]) == {"lead", "purchase"}
