"""The warehouse of a run: one engine on the project's file, on DuckDB or beside Spark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest

from lydite.engine import DuckDBEngine
from lydite.settings import Settings
from lydite.simulation import simulate
from pipelines.assets.journeys import journey_assets
from pipelines.assets.raw import raw_assets
from pipelines.project import Project
from pipelines.resources import Warehouse

if TYPE_CHECKING:
    from typing import Any

# One worker of the tests starts one Java machine, where groups are kept together.
pytestmark = pytest.mark.xdist_group("spark")


def project(folder: Path, **engine: Any) -> Project:
    """Return a project in a folder with the files of a small world."""
    simulate("linear", users=600, seed=1, weeks=16).write(folder)
    sources = {name: f"{name}.parquet" for name in ("touchpoints", "conversions", "users")}
    settings = {"sources": sources, "engine": engine, "evaluation": {"lookback": "7d"}}
    return Project(Settings.model_validate(settings), folder)


def test_a_run_stands_in_the_project_s_folder_and_keeps_its_file_open(tmp_path):
    own = project(tmp_path, threads=1, memory_limit="1GB")
    before = Path.cwd()
    with Warehouse.of(own).yield_for_execution(dg.build_init_resource_context()) as warehouse:
        assert Path.cwd() == tmp_path
        assert isinstance(warehouse.engine, DuckDBEngine)
        assert warehouse.engine.threads == 1
        assert warehouse.engine.local is warehouse.engine
    assert Path.cwd() == before
    assert own.warehouse.exists()


def test_beside_spark_rows_are_there_and_what_is_gathered_is_in_the_file(spark, tmp_path):
    del spark  # its session runs
    own = project(tmp_path, name="spark", spark={"spark.sql.shuffle.partitions": "3"})
    parts = [*raw_assets(own.settings), *journey_assets(own.settings)]
    found = dg.materialize(parts, resources={"warehouse": Warehouse.of(own)})
    assert found.success
    [path_events] = found.asset_materializations_for_node("build_journeys")[3:4]
    assert path_events.asset_key.path == ["journeys", "path_events"]
    assert path_events.metadata["laid_out"].value.startswith("all ")
    assert path_events.metadata["dagster/row_count"].value > 600
    [key] = [c for c in path_events.metadata["dagster/column_schema"].value.columns
             if c.name == "user_key"]  # fmt: skip
    assert (key.type, key.description) == ("BIGINT", "number of the user")
    with DuckDBEngine(own.warehouse) as file:
        assert file.scalar("select count(*) from evaluation.outcomes") == 1
        assert not file.exists("journeys.path_events")
