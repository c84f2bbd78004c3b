"""Warehouses of earlier versions are upgraded in place, or refused with the command to run.

The stored files in ``warehouses`` were written by earlier versions, on the same simulated data;
large tables that a run computes have few rows.
"""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from polars.testing import assert_frame_equal

import lydite
from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation import ledger
from lydite.pipeline.runs import _SCHEMA
from lydite.pipeline.upgrade import TABLE
from lydite.settings import parse_settings

STORED = Path(__file__).parent / "warehouses"
NAMES = sorted(path.name.split(".")[0] for path in STORED.glob("*.gz"))
OLDEST = "without_version"
COMPARED = ("model_comparison", "evidence", "channel_credit", "pairs")
KEPT = ("ledger.", "decisions.", "landing.", "experiments.", "evaluation.runs")
# Without a column that the first versions lacked.
SCORES = "select columns(name -> name <> 'generation') from ledger.scores order by all"


@pytest.fixture
def stored(tmp_path):
    """Return a function that unpacks a stored warehouse."""

    def stored(name):
        path = tmp_path / "warehouse.duckdb"
        path.write_bytes(gzip.decompress((STORED / f"{name}.duckdb.gz").read_bytes()))
        return path

    return stored


def tables_of(engine):
    rows = engine.rows("select schema_name || '.' || table_name from duckdb_tables()")
    return {name for (name,) in rows}


@pytest.mark.parametrize("name", NAMES)
def test_evidence_is_kept_and_what_runs_compute_is_dropped(stored, name):
    with DuckDBEngine(stored(name)) as engine:
        found = 1 if name == "version_1" else 0
        assert pipeline.warehouse_version(engine) == found
        before = engine.frame(SCORES)
        kept = {table for table in tables_of(engine) if table.startswith(KEPT)}
        engine.run("create schema crm")
        engine.run("create table crm.leads as select 1 as id")  # another program's
        said = pipeline.upgrade_warehouse(engine)
        assert f"upgraded from version {found}" in said
        assert before.height > 1000
        assert_frame_equal(engine.frame(SCORES), before)
        assert tables_of(engine) == {*kept, "crm.leads", TABLE}
        assert pipeline.upgrade_warehouse(engine) is None


@pytest.mark.parametrize("name", [OLDEST, "version_1"])
def test_a_run_on_an_upgraded_warehouse_equals_one_on_a_new_one(name, stored, tmp_path):
    world = lydite.simulate("linear", users=900, seed=3)  # as in the stored files
    sources = {"touchpoints": world.touchpoints, "conversions": world.conversions}
    settings = parse_settings(
        {
            "sources": {"touchpoints": "t.parquet", "conversions": "c.parquet"},
            "models": ["last_touch", "linear"],
            "evaluation": {"lookback": "7d", "period": "month"},
        },
        "settings",
    )
    found = []
    for path in (stored(name), tmp_path / "new.duckdb"):
        with DuckDBEngine(path) as engine:
            pipeline.run(engine, sources, settings)
            assert pipeline.warehouse_version(engine) == pipeline.WAREHOUSE_VERSION
            found.append([engine.frame(f"from mart.{mart} order by all") for mart in COMPARED])
    for upgraded, new in zip(*found, strict=True):
        assert_frame_equal(upgraded, new)


def test_a_new_warehouse_has_the_version(tmp_path):
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
        engine.run("create schema crm")
        engine.run("create table crm.leads as select 1 as id")
        assert pipeline.upgrade_warehouse(engine) is None
        assert pipeline.warehouse_version(engine) == pipeline.WAREHOUSE_VERSION


def test_nothing_is_written_to_a_warehouse_in_memory():
    with DuckDBEngine() as engine:
        assert pipeline.upgrade_warehouse(engine) is None
        assert not engine.exists(TABLE)


def test_a_warehouse_of_a_later_version_is_refused_and_stays_as_it_was(stored):
    with DuckDBEngine(stored(OLDEST)) as engine:
        engine.create(TABLE, "select 99 as version, '9.1.0' as lydite_version")
        before = tables_of(engine)
        for refuse in (pipeline.upgrade_warehouse, pipeline.refuse_later_warehouse):
            with pytest.raises(InputError) as error:
                refuse(engine)
            assert "written by Lydite 9.1.0 with version 99" in str(error.value)
            assert "pip install --upgrade lydite" in str(error.value)
        assert tables_of(engine) == before


def test_scores_that_cannot_be_used_are_refused_with_the_command_to_keep_them(stored):
    path = stored(OLDEST)
    with DuckDBEngine(path) as engine:
        engine.run("alter table ledger.scores drop column bucket")
        before, columns = tables_of(engine), engine.columns("ledger.scores")
        with pytest.raises(InputError, match=f"mv {path} {path}.before") as error:
            pipeline.upgrade_warehouse(engine)
        assert "ledger.scores has no column bucket" in str(error.value)
        assert tables_of(engine) == before
        assert engine.columns("ledger.scores") == columns


def test_the_record_of_runs_gets_the_columns_that_it_lacks(tmp_path):
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
        engine.create("evaluation.runs", "select 'a' as run_id, now()::timestamp as finished_at")
        pipeline.upgrade_warehouse(engine)
        assert set(engine.columns("evaluation.runs")) == set(_SCHEMA)
        assert engine.rows("select run_id, alpha from evaluation.runs") == [("a", None)]


def test_the_layout_of_the_evidence_is_that_of_the_version():
    """If this fails, raise WAREHOUSE_VERSION, and add a step that upgrades the tables."""
    columns = {
        table: " ".join([*ledger._KEYS, key, *sums])
        for table, (sums, key) in {**ledger._FIRST, **ledger._RESTATED}.items()
    }
    keys = "outcome segment model fingerprint period_start"
    scores = f"{keys} bucket landmarks conversions log_loss brier"
    forecasts = f"{keys} bin grid_landmarks grid_conversions grid_forecast"
    assert pipeline.WAREHOUSE_VERSION == 3
    assert columns == {
        "ledger.scores": scores,
        "ledger.forecasts": forecasts,
        "ledger.restated_scores": scores,
        "ledger.restated_forecasts": forecasts,
    }
    assert " ".join(_SCHEMA) == (
        "run_id finished_at lydite_version duckdb_version alpha primary_models lookbacks settings"
        " touchpoints conversions users first_touch last_touch"
    )
