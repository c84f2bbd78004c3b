"""Tests of opening engines: DuckDB with limits and file, Spark, and temporary engines."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from lydite.engine import DuckDBEngine, SparkEngine, factory, open_engine, open_temporary_engine
from lydite.engine import spark as module
from lydite.errors import InputError
from lydite.settings import EngineSettings as Settings


def test_duckdb_opens_with_limits_and_file(tmp_path):
    with open_engine(Settings(threads=1, memory_limit="1GB"), tmp_path / "w.duckdb") as engine:
        assert isinstance(engine, DuckDBEngine)
        assert engine.threads == 1
        engine.create("x.kept", "select 1 as n")
    with open_engine(Settings(), tmp_path / "w.duckdb") as engine:
        assert engine.local.rows("from x.kept") == [(1,)]


def test_spark_stores_local_tables_in_the_file(spark, tmp_path):
    settings = Settings(name="spark", spark={"spark.sql.shuffle.partitions": "3"})
    with open_engine(settings, tmp_path / "w.duckdb") as engine:
        assert isinstance(engine, SparkEngine)
        engine.append_local("x.kept", "select 1 as n")
    with DuckDBEngine(tmp_path / "w.duckdb") as file:
        assert file.rows("from x.kept") == [(1,)]


def test_the_file_is_closed_if_spark_cannot_start(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_running", lambda: None)
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(InputError, match="needs Java"):
        open_engine(Settings(name="spark"), tmp_path / "w.duckdb")
    DuckDBEngine(tmp_path / "w.duckdb", threads=1).close()  # fails while the file is open


def test_settings_of_spark_may_name_environment_variables(monkeypatch):
    monkeypatch.setattr(factory, "SparkEngine", lambda settings, local: settings)
    monkeypatch.setenv("STORE_KEY", "a/b")
    monkeypatch.delenv("NOT_SET", raising=False)
    key = "spark.hadoop.fs.s3a.secret.key"
    assert open_engine(Settings(name="spark", spark={key: "${STORE_KEY}"})) == {key: "a/b"}
    with pytest.raises(InputError, match=f"engine.spark.{key}: .* NOT_SET is not set"):
        open_engine(Settings(name="spark", spark={key: "${NOT_SET}"}))


def test_a_run_on_large_input_uses_a_temporary_file(tmp_path, monkeypatch):
    for name in ("a", "b"):
        (tmp_path / f"{name}.csv").write_bytes(bytes(1000))
    monkeypatch.setattr(factory, "LARGE_INPUT", 2000)
    where = "select path from duckdb_databases() where database_name = current_database()"
    with open_temporary_engine(Settings(), [str(tmp_path / "*.csv"), None]) as engine:
        file = Path(engine.scalar(where))
        limit = engine.scalar("select current_setting('memory_limit')")
        assert file.exists()
        assert not engine.is_persistent
    assert not file.parent.exists()
    with open_temporary_engine(
        Settings(), [tmp_path / "a.csv", pl.DataFrame({"n": [1]})]
    ) as engine:
        assert engine.scalar(where) is None
        assert engine.scalar("select current_setting('memory_limit')") != limit
    with open_temporary_engine(Settings(memory_limit="1GB"), [str(tmp_path / "*.csv")]) as engine:
        assert engine.scalar("select current_setting('memory_limit')") == "953.6 MiB"
