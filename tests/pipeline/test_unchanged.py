"""Runs that would repeat the last one are found, whatever the order of rows."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.pipeline.unchanged import TABLE, complete_run, find_repeated_run
from lydite.settings import ScheduleSettings, Settings

ROWS = pl.DataFrame({"user_id": ["a", "a", "b"], "channel": ["x", "x", None]})


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "var").mkdir()
    (tmp_path / "var/attribution.duckdb").write_text("published")
    (tmp_path / "var/report.html").write_text("report")
    return Settings.model_validate({"sources": {"touchpoints": "t", "conversions": "c"}})


@pytest.fixture
def engine(tmp_path):
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
        engine.store("inputs.touchpoints", ROWS)
        yield engine


def run(engine, settings, name="one"):
    """Run once, as far as this module is concerned; return whether it would repeat the last run."""
    repeated = find_repeated_run(engine, settings, name)
    if repeated is None:
        complete_run(engine, settings, name)
    return isinstance(repeated, datetime)


def test_the_same_rows_in_another_order_are_no_change(engine, settings):
    assert not run(engine, settings)
    assert run(engine, settings, "two")
    engine.store("inputs.touchpoints", ROWS.reverse())
    assert run(engine, settings, "three")


@pytest.mark.parametrize(
    "rows",
    [
        ROWS.head(2),
        ROWS.filter(pl.col("user_id") == "b"),  # two equal rows are gone
        pl.concat([ROWS, ROWS.head(1)]),
        ROWS.with_columns(channel=pl.lit("x")),
        ROWS.rename({"channel": "campaign"}),
        ROWS.with_columns(pl.col("channel").alias("campaign")),
        ROWS.clear(),
    ],
)
def test_other_rows_are_a_change(engine, settings, rows):
    run(engine, settings)
    engine.store("inputs.touchpoints", rows)
    assert not run(engine, settings, "two")
    engine.store("inputs.touchpoints", ROWS)
    assert not run(engine, settings, "three")


def test_rows_that_are_set_aside_or_voided_are_a_change(engine, settings):
    run(engine, settings)
    for table in ("quarantine.touchpoints", "ledger.voided"):
        engine.store(table, ROWS)
        assert not run(engine, settings, table)
        assert run(engine, settings)
    engine.store("mart.outcomes", ROWS)
    assert run(engine, settings)


@pytest.mark.parametrize("name", ["var/attribution.duckdb", "var/report.html"])
def test_what_was_published_is_published_again_when_it_is_gone_or_other(
    engine, settings, tmp_path, name
):
    run(engine, settings)
    (tmp_path / name).write_text("other")
    assert not run(engine, settings, "two")
    (tmp_path / name).unlink()
    assert not run(engine, settings, "three")


def test_changes_that_another_program_made_to_what_was_published_are_a_change(
    engine, settings, tmp_path
):
    run(engine, settings)
    (tmp_path / "var/attribution.duckdb.wal").write_text("changes")
    assert not run(engine, settings, "two")


def test_settings_and_decisions_are_a_change(engine, settings, tmp_path):
    run(engine, settings)
    other = settings.model_copy(
        update={"evaluation": settings.evaluation.model_copy(update={"alpha": 0.1})}
    )
    assert not run(engine, other, "two")
    assert run(engine, other)
    (tmp_path / "decisions.jsonl").write_text("{}\n")
    assert not run(engine, other, "three")


def test_a_run_that_was_not_completed_is_not_repeated(engine, settings):
    run(engine, settings)
    engine.store("inputs.touchpoints", ROWS.head(1))
    assert find_repeated_run(engine, settings, "interrupted") is None
    complete_run(engine, settings, "other")
    assert engine.rows(f"select complete_at from {TABLE}") == [(None,)]
    engine.store("inputs.touchpoints", ROWS)
    assert not run(engine, settings, "three")


def test_nothing_is_kept_between_runs_in_memory(settings):
    with DuckDBEngine() as engine:
        engine.store("inputs.touchpoints", ROWS)
        assert not run(engine, settings)
        assert not run(engine, settings, "two")
        assert not engine.exists(TABLE)


def test_a_run_with_a_comparison_repeats_only_one_with_a_comparison(engine, settings):
    assert find_repeated_run(engine, settings, "credit", evaluates=False) is None
    complete_run(engine, settings, "credit")
    assert find_repeated_run(engine, settings, "again", evaluates=False) is not None
    assert not run(engine, settings)
    assert find_repeated_run(engine, settings, "later", evaluates=False) is not None
    assert run(engine, settings, "two")


def test_another_schedule_is_no_change(engine, settings):
    run(engine, settings)
    scheduled = ScheduleSettings(credit="0 5 * * *")
    assert run(engine, settings.model_copy(update={"schedule": scheduled}), "two")
