"""Tests of the pipeline: the order of its steps, usable models, and subsets of models."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from lydite import compare, credit, pipeline, simulate
from lydite.durations import parse_duration
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.models import make_models
from lydite.reporting.terminal import print_comparison
from lydite.settings import make_settings

LOOKBACKS = {"conversion": timedelta(days=7)}
MODELS = ("first_touch", "last_touch")


@pytest.fixture(scope="module")
def sources():
    world = simulate("last_touch", users=1500, seed=1, weeks=10)
    return {"touchpoints": world.touchpoints, "conversions": world.conversions}


@pytest.fixture
def engine(sources):
    """Yield an engine with journeys and samples."""
    with DuckDBEngine(threads=1) as engine:
        pipeline.load_inputs(engine, sources)
        pipeline.build_journeys(engine, LOOKBACKS, "week")
        pipeline.build_samples(engine, 100_000)
        yield engine


def test_run_takes_all_steps_in_order(sources):
    steps = []
    with DuckDBEngine(threads=1) as engine:
        settings = make_settings("7d", "week", None, alpha=0.05, seed=0)
        pipeline.run(engine, sources, settings, steps.append, make_models(MODELS))
        assert all(engine.exists(f"mart.{name}") for name in pipeline.MARTS)
        models = engine.rows("select distinct model from ledger.scores order by model")
    # Backtest and attribution of an outcome follow each other: they share its sample.
    assert [step.rpartition(": ")[2].split()[0] for step in steps] == [
        "reading", "building", "drawing", "backtesting", "attributing", "comparing", "writing",
    ]  # fmt: skip
    assert [name for (name,) in models] == [
        "base_rate", "ceiling", "first_touch", "last_touch", "touch_volume",
    ]  # fmt: skip


def test_an_outcome_keeps_its_lookback(engine):
    [row] = pipeline.read_outcomes(engine)
    assert row["lookback"] == "7d"
    assert row["mature_until"] == row["as_of"] - LOOKBACKS["conversion"]
    assert pipeline.calendar_of(engine, row).lookback == LOOKBACKS["conversion"]


def test_credit_shows_the_range_over_the_models_that_stand():
    world = simulate("last_touch", users=4000, seed=1, weeks=16)
    models = ["first_touch", "last_touch", "last_non_direct"]
    result = compare(world.touchpoints, world.conversions, models=models, lookback="7d")
    verdicts = dict(result.table.select("model", "verdict").rows())
    assert verdicts["first_touch"] == "refuted"
    standing = [model for model in models if verdicts[model] != "refuted"]
    expected = (
        result.credit.filter(pl.col("model").is_in(standing))
        .group_by("channel")
        .agg(low=pl.col("conversions").min(), high=pl.col("conversions").max())
    )
    found = result.credit.join(expected, on="channel")
    assert found["standing_low"].equals(found["low"])
    assert found["standing_high"].equals(found["high"])


def few_journeys(days: int, per_day: int = 1) -> dict[str, pl.DataFrame]:
    """Return touches and conversions: ad, two hours later mail, an hour later the conversion."""
    start = datetime(2024, 1, 1)
    rows = [
        (f"{day} {n}", start + timedelta(days=day, minutes=n))
        for day in range(days)
        for n in range(per_day)
    ]
    touches = [
        (user, at + timedelta(hours=hours), channel)
        for user, at in rows
        for hours, channel in [(0, "ad"), (2, "mail")]
    ]
    conversions = [(user, at + timedelta(hours=3)) for user, at in rows]
    names = ["user_id", "touched_at", "channel"]
    return {
        "touchpoints": pl.DataFrame(touches, schema=names, orient="row"),
        "conversions": pl.DataFrame(conversions, schema=["user_id", "converted_at"], orient="row"),
    }


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


@pytest.mark.parametrize("intervals", [True, False])
def test_credit_where_no_conversion_has_a_touch(intervals):
    sources = few_journeys(20)
    sources["conversions"] = sources["conversions"].with_columns(
        pl.col("converted_at") - pl.duration(days=1)
    )
    found = credit(**sources, intervals=intervals)
    assert found.table["model"].n_unique() == 17
    for model in found.table["model"].unique():
        rows = found.table.filter(pl.col("model") == model)
        conversions = dict(rows.select("channel", "conversions").rows())
        assert conversions == {"ad": 0, "mail": 0, "(unattributed)": 20}
    compared = compare(**sources, models=["linear"])
    assert compared.credit["conversions"].sum() == 20
    assert compared.marts["credit_daily"]["conversions"].sum() == 20
    assert compared.table["verdict"].to_list() == ["too_early"]


def in_form(frame: pl.DataFrame, column: str, form: str) -> pl.DataFrame:
    """Return times as text or another type, with a zone or without."""
    time = pl.col(column)
    forms = {
        "text": time.dt.strftime("%Y-%m-%d %H:%M:%S"),
        "text with Z": time.dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "text with an offset": time.dt.strftime("%Y-%m-%dT%H:%M:%S+09:00"),
        "timestamp": time,
        "timestamp with zone": time.dt.replace_time_zone("Asia/Tokyo"),
        "day": time.dt.strftime("%Y-%m-%d"),
        "date": time.dt.date(),
        "epoch": time.dt.epoch("ms"),
        "epoch as text": time.dt.epoch("s").cast(pl.String),
    }
    return frame.with_columns(forms[form].alias(column))


WITHOUT_ZONE = ("text", "timestamp")
WITH_ZONE = ("text with Z", "text with an offset", "timestamp with zone")
NEITHER = ("day", "date", "epoch", "epoch as text")


@pytest.mark.parametrize("one", WITHOUT_ZONE)
@pytest.mark.parametrize("other", WITH_ZONE)
@pytest.mark.parametrize("swapped", [False, True])
def test_times_with_and_without_a_zone_are_refused_together(one, other, swapped):
    sources = few_journeys(10)
    forms = (other, one) if swapped else (one, other)
    given = [
        in_form(sources["touchpoints"], "touched_at", forms[0]),
        in_form(sources["conversions"], "converted_at", forms[1]),
    ]
    names = r"touchpoints.touched_at \(.*conversions.converted_at \("
    with pytest.raises(InputError, match=names) as refused:
        compare(*given, models=["linear"])
    assert "(with a zone)" in str(refused.value)
    assert "(without a zone, read as UTC)" in str(refused.value)
    assert ".sql source" in str(refused.value)
    sources = {"touchpoints": given[0], "conversions": given[1]}
    with pytest.raises(InputError, match=names):
        credit(**sources, models=["linear"])
    found = credit(**sources, models=["linear"], accept=["mixed_zones"])
    assert found.table["conversions"].sum() == pytest.approx(10)
    assert "mixed_zones" in set(found.warnings["kind"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        *[(one, one) for one in (*WITHOUT_ZONE, *WITH_ZONE)],
        ("text", "timestamp"),
        ("text with Z", "timestamp with zone"),
        *[(zoned, neither) for zoned in ("text", "text with Z") for neither in NEITHER],
    ],
)
def test_other_times_are_read_together(one, other):
    sources = few_journeys(10)
    found = credit(
        touchpoints=in_form(sources["touchpoints"], "touched_at", one),
        conversions=in_form(sources["conversions"], "converted_at", other),
        models=["linear"],
        intervals=False,
    )
    assert found.table["conversions"].sum() == pytest.approx(10)


def test_zones_of_earlier_loads_do_not_count():
    sources = few_journeys(10)
    with DuckDBEngine() as engine:
        for form in ("text", "text with Z", "epoch", "text"):
            given = {
                "touchpoints": in_form(sources["touchpoints"], "touched_at", form),
                "conversions": in_form(sources["conversions"], "converted_at", form),
            }
            pipeline.load_inputs(engine, given)
            pipeline.build_journeys(engine, LOOKBACKS, "week")


def test_a_refund_is_subtracted_from_the_channels_of_its_order():
    sources = few_journeys(20)
    orders = sources["conversions"].with_columns(
        value=pl.lit(100.0), conversion_id=pl.int_range(pl.len()).cast(pl.String)
    )
    later = pl.col("converted_at") + pl.duration(days=9)
    refunds = orders.head(5).with_columns(later, value=pl.lit(-100.0))
    reloads = orders.tail(4).with_columns(pl.col("converted_at") + pl.duration(minutes=5))
    with_refunds = pl.concat([orders, refunds, reloads])
    result = compare(sources["touchpoints"], with_refunds, models=["last_touch"])
    credit_of = {row["channel"]: row for row in result.credit.to_dicts()}
    assert (credit_of["mail"]["conversions"], credit_of["mail"]["value"]) == (20, 1500)
    assert (credit_of["(unattributed)"]["conversions"], credit_of["ad"]["value"]) == (0, 0)
    assert result.quarantined == {"conversions": {"repeated_id": 4}}
    assert result.duplicates == {}
    texts = dict(result.warnings.select("kind", "text").rows())
    assert texts["refund"].startswith("5 refunds were subtracted")


@pytest.mark.parametrize(
    ("table", "column", "value", "reason"),
    [
        ("conversions", "value", "12,50", "value is text that is not a number"),
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


def test_models_that_cannot_run_are_left_out_unless_required(engine):
    names = [f"channel {n}" for n in range(40)]
    engine.create("journeys.channels", f"select unnest({names}) as channel, 0 as channel_key")
    models = make_models(["linear", "shapley"])
    usable = pipeline.usable_models(engine, models, required=False)
    assert [model.name for model in usable] == ["linear"]
    [(name, reason)] = engine.rows("from evaluation.left_out")
    assert name == "shapley"
    with pytest.raises(InputError) as error:
        pipeline.usable_models(engine, models, required=True)
    assert str(error.value) == reason


def test_some_models_can_be_backtested_alone(engine):
    models = make_models(MODELS)
    pipeline.backtest_models(engine, models, seed=0, only=["last_touch", "base_rate"])
    scored = engine.rows("select distinct model from ledger.scores order by model")
    assert scored == [("base_rate",), ("last_touch",)]
    pipeline.backtest_models(engine, models, seed=0)
    assert engine.scalar("select count(distinct model) from ledger.scores") == 5
