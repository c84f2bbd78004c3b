"""Losses since the last run: columns, rows by table, channel and outcome."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.quality.changes import (
    TableSizes,
    find_losses,
    measure_sizes,
    read_sizes,
    write_sizes,
)
from lydite.settings import QualitySettings
from tests.helpers.input_tables import make_inputs

START = datetime(2026, 1, 5)
LOOKBACKS = {"lead": timedelta(days=7), "sale": timedelta(days=7)}
CHANNELS = ["email", "search", "tv"]


def frames(days: int = 60, first: int = 0) -> dict[str, pl.DataFrame]:
    """Return the rows of some days: 90 touchpoints and 10 conversions a day."""
    day = pl.int_range(first * 90, days * 90, eager=True)
    touchpoints = pl.DataFrame({"n": day}).select(
        user_id=pl.format("u{}", pl.col("n") % 997),
        touched_at=START + pl.duration(minutes=pl.col("n") * 16),
        channel=pl.Series(CHANNELS)[day % 3],
        campaign=pl.lit("spring"),
        cost=pl.lit(0.5),
    )
    conversions = pl.DataFrame({"n": pl.int_range(first * 10, days * 10, eager=True)}).select(
        user_id=pl.format("u{}", pl.col("n") % 997),
        converted_at=START + pl.duration(minutes=pl.col("n") * 144),
        outcome=pl.when(pl.col("n") % 2 == 0).then(pl.lit("lead")).otherwise(pl.lit("sale")),
        value=pl.lit(9.0),
    )
    users = touchpoints.select("user_id").unique().with_columns(country=pl.lit("DE"))
    return {"touchpoints": touchpoints, "conversions": conversions, "users": users}


def losses(before: dict[str, pl.DataFrame], now: dict[str, pl.DataFrame]) -> list[tuple[str, str]]:
    """Return kind and text of what has been lost from one run to the next."""
    with DuckDBEngine() as engine:
        pipeline.load_inputs(engine, before)
        write_sizes(engine, measure_sizes(engine))
        stored = read_sizes(engine)
        assert stored is not None
        pipeline.load_inputs(engine, now)
        found = find_losses(stored, measure_sizes(engine, stored.last_at))
    return [(finding.kind, finding.text) for finding in found]


def test_new_rows_columns_channels_and_rolling_windows_are_no_loss():
    before, now = frames(60), frames(80)
    assert losses(before, before) == []
    assert losses(before, now) == []
    assert losses(before, frames(80, first=20)) == []  # the last 60 days
    wider = now["touchpoints"].with_columns(
        pl.when(pl.col("channel") == "tv").then(pl.lit("radio")).otherwise("channel").alias("x")
    )
    assert losses(before, {**now, "touchpoints": wider}) == []


@pytest.mark.parametrize(
    ("table", "column", "rows"),
    [
        ("touchpoints", "campaign", "5,400"),
        ("touchpoints", "cost", "5,400"),
        ("conversions", "value", "600"),
        ("users", "country", "997"),
    ],
)
@pytest.mark.parametrize("how", ["gone", "renamed", "null"])
def test_lost_columns_are_named(table, column, rows, how):
    before, now = frames(60), frames(70)
    frame = now[table]
    match how:
        case "gone":
            now[table] = frame.drop(column)
        case "renamed":
            now[table] = frame.rename({column: f"{column}_2"})
        case "null":
            now[table] = frame.with_columns(pl.lit(None, frame[column].dtype).alias(column))
    assert losses(before, now) == [
        (
            "lost_column",
            (
                f"{table}: the column {column!r} is gone, or has no value now; it had {rows} at the"
                " last run"
            ),
        )
    ]


def test_a_column_that_is_mostly_empty_now_is_lost():
    now = frames(60)
    few = pl.when(pl.int_range(pl.len()) % 20 == 0).then("cost")
    now["touchpoints"] = now["touchpoints"].with_columns(few.alias("cost"))
    [(kind, text)] = losses(frames(60), now)
    assert kind == "lost_column"
    assert "the column 'cost' has 270 values now; it had 5,400 at the last run" in text


def test_half_of_the_history_is_lost():
    """New rows do not hide that old ones are gone."""
    [one, two] = losses(frames(60), frames(120, first=31))
    assert one == (
        "halved_rows",
        "touchpoints: 2,610 rows up to the end of the last run, which had 5,400",
    )
    assert two[1].startswith("conversions: 290 rows up to the end")


def test_a_channel_and_an_outcome_that_are_renamed():
    now = frames(70)
    renamed = pl.col("channel").replace("email", "E-Mail")
    now["touchpoints"] = now["touchpoints"].with_columns(renamed)
    now["conversions"] = now["conversions"].with_columns(pl.col("outcome").replace("sale", "Sale"))
    lost = "fewer than half of the rows of the last run are left of"
    assert [text for _, text in losses(frames(60), now)] == [
        f"touchpoints: {lost} channel 'email' (0, was 1,800)",
        f"conversions: {lost} outcome 'sale' (0, was 300)",
    ]


def test_small_parts_are_not_compared():
    with DuckDBEngine() as engine:
        make_inputs(engine, [("ann", START, "tv", "spring")] * 50, [("ann", START)])
        before = measure_sizes(engine)
        make_inputs(engine, [("ann", START, "tv")] * 2, [("ann", START)])
        assert find_losses(before, measure_sizes(engine)) == []


def test_the_sizes_are_stored():
    with DuckDBEngine() as engine:
        assert read_sizes(engine) is None
        pipeline.load_inputs(engine, frames(60))
        sizes = measure_sizes(engine)
        write_sizes(engine, sizes)
        assert read_sizes(engine) == sizes
        assert sizes.last_at["touchpoints"] == frames(60)["touchpoints"]["touched_at"].max()
    assert isinstance(sizes, TableSizes)


def test_losses_are_found_until_they_are_accepted(tmp_path):
    """A second run on the same data must not pass because the first one has seen it."""

    def findings(data: dict[str, pl.DataFrame], **accepted) -> list[tuple[str, bool]]:
        with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
            pipeline.load_inputs(engine, data)
            pipeline.build_journeys(engine, LOOKBACKS, "week", accepted=QualitySettings(**accepted))
            return engine.rows("select kind, blocking from quality.findings")

    lost = {**frames(70), "touchpoints": frames(70)["touchpoints"].drop("campaign")}
    assert findings(frames(60)) == []
    assert findings(lost) == [("lost_column", True)]
    assert findings(lost) == [("lost_column", True)]
    assert findings(frames(70)) == []
    assert findings(lost, accept=("lost_column",)) == [("lost_column", False)]
    assert findings(lost) == []
