"""The engine of the settings: DuckDB with its limits and file, or Spark beside it."""

from __future__ import annotations

import pytest

from lydite.config import Engine as Settings
from lydite.engine import DuckDBEngine, SparkEngine, open_engine
from lydite.engine import spark as module
from lydite.errors import InputError

pytestmark = pytest.mark.xdist_group("spark")


def test_duckdb_is_opened_with_its_limits_and_file(tmp_path):
    with open_engine(Settings(threads=1, memory_limit="1GB"), tmp_path / "w.duckdb") as engine:
        assert isinstance(engine, DuckDBEngine)
        assert engine.threads == 1
        engine.create("x.kept", "select 1 as n")
    with open_engine(Settings(), tmp_path / "w.duckdb") as engine:
        assert engine.local.rows("from x.kept") == [(1,)]


def test_spark_keeps_what_comes_to_the_driver_in_the_file(spark, tmp_path):
    settings = Settings(name="spark", spark={"spark.sql.shuffle.partitions": "3"})
    with open_engine(settings, tmp_path / "w.duckdb") as engine:
        assert isinstance(engine, SparkEngine)
        engine.gather("x.kept", "select 1 as n")
    with DuckDBEngine(tmp_path / "w.duckdb") as file:
        assert file.rows("from x.kept") == [(1,)]


def test_the_file_is_free_where_spark_cannot_be_opened(monkeypatch, tmp_path):
    monkeypatch.setattr(module, "_running", lambda: None)
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(InputError, match="needs Java"):
        open_engine(Settings(name="spark"), tmp_path / "w.duckdb")
    DuckDBEngine(tmp_path / "w.duckdb", threads=1).close()  # refused while one is open otherwise
