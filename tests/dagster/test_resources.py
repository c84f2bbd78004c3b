"""The warehouse of a run: one engine on the project's file, on DuckDB or with Spark."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import dagster as dg

from lydite.dagster.assets.inputs import input_assets
from lydite.dagster.assets.journeys import journey_assets
from lydite.dagster.resources import Warehouse
from lydite.dagster.specs import SpecFactory
from lydite.engine import DuckDBEngine
from lydite.project import Project
from lydite.settings import Settings
from lydite.simulation import simulate

if TYPE_CHECKING:
    from typing import Any

HOLD = """
import sys
from filelock import FileLock

with FileLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


def make_project(folder: Path, **engine: Any) -> Project:
    """Return a project in a folder with the files of a small world."""
    simulate("linear", users=600, seed=1, weeks=16).write(folder)
    sources = {name: f"{name}.parquet" for name in ("touchpoints", "conversions", "users")}
    settings = {"sources": sources, "engine": engine, "evaluation": {"lookback": "7d"}}
    return Project(Settings.model_validate(settings), folder)


def opened(project: Project):
    """Return the context manager that opens the warehouse of a project."""
    return Warehouse.of(project).yield_for_execution(dg.build_init_resource_context())


def test_a_run_has_the_project_s_folder_as_working_directory_and_the_file_open(tmp_path):
    project = make_project(tmp_path, threads=1, memory_limit="1GB")
    before = Path.cwd()
    with opened(project) as warehouse:
        assert Path.cwd() == tmp_path
        assert isinstance(warehouse.engine, DuckDBEngine)
        assert warehouse.engine.threads == 1
        assert warehouse.engine.local is warehouse.engine
    assert Path.cwd() == before
    assert project.warehouse.exists()


def test_a_step_waits_for_another_that_uses_the_file(tmp_path, caplog):
    project = make_project(tmp_path)
    project.warehouse.parent.mkdir()
    command = [sys.executable, "-c", HOLD, f"{project.warehouse}.lock"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as other:
        assert other.stdout.readline() == "held\n"
        threading.Timer(0.3, other.stdin.close).start()
        context = SimpleNamespace(log=logging.getLogger("dagster"))
        with Warehouse.of(project).yield_for_execution(context) as warehouse:
            assert warehouse.engine.scalar("select 1") == 1
    assert "waiting for another run or step" in caplog.text


def test_on_spark_rows_stay_there_and_gathered_tables_are_in_the_file(spark, tmp_path):
    del spark  # its session runs
    project = make_project(tmp_path, name="spark", spark={"spark.sql.shuffle.partitions": "3"})
    specs = SpecFactory()
    assets = [
        *input_assets(project.settings, specs, {}),
        *journey_assets(project.settings, specs),
    ]
    found = dg.materialize(assets, resources={"warehouse": Warehouse.of(project)})
    assert found.success
    [path_events] = found.asset_materializations_for_node("build_journeys")[3:4]
    assert path_events.asset_key.path == ["journeys", "path_events"]
    assert path_events.metadata["rebuilt"].value.startswith("all ")
    assert path_events.metadata["dagster/row_count"].value > 600
    [key] = [c for c in path_events.metadata["dagster/column_schema"].value.columns
             if c.name == "user_key"]  # fmt: skip
    assert (key.type, key.description) == ("BIGINT", "number of the user")
    with DuckDBEngine(project.warehouse) as file:
        assert file.scalar("select count(*) from evaluation.outcomes") == 1
        assert not file.exists("journeys.path_events")
