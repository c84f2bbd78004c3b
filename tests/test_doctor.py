"""Checks of a deployment: each names what is wrong and what to do, and changes nothing."""

from __future__ import annotations

import os
import shutil
from collections import namedtuple

import duckdb
import pytest

from lydite import doctor
from lydite.doctor import examine
from lydite.engine import DuckDBEngine
from lydite.pipeline import SCHEMA_VERSION, WAREHOUSE_VERSION, upgrade_warehouse
from lydite.publishing import publish
from tests.helpers.processes import held_by_another_process

SETTINGS = """
[sources]
touchpoints = "t.csv"
conversions = "data/*.parquet"
users = "s3://bucket/users.parquet"
"""
RUN = (
    "select 'run 7' as run_id, timestamp '2026-03-01 06:30' as finished_at, '1.0' as lydite_version"
)


@pytest.fixture
def folder(tmp_path):
    """Return a project with sources and a published file."""
    (tmp_path / "lydite.toml").write_text(SETTINGS)
    (tmp_path / "t.csv").touch()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/c.parquet").touch()
    with DuckDBEngine(tmp_path / "var/warehouse.duckdb") as engine:
        version = f"select {SCHEMA_VERSION} as schema_version, '9' as lydite_version"
        upgrade_warehouse(engine)
        engine.create("mart.schema_version", version)
        engine.create("mart.runs", RUN)
        publish(engine, tmp_path / "var/attribution.duckdb")
    return tmp_path


def problems(folder):
    """Return status, text and fix of all that is not well, by name."""
    found = examine(folder / "lydite.toml")
    assert all(bool(row.fix) == (row.status != "ok") for row in found)
    return {row.name: (row.status, row.text, row.fix) for row in found if row.status != "ok"}


def test_a_deployment_without_problems(folder):
    before = sorted((file, file.stat().st_mtime_ns) for file in folder.rglob("*"))
    assert problems(folder) == {}
    texts = {row.name: row.text for row in examine(folder / "lydite.toml")}
    assert f"duckdb {duckdb.__version__}" in texts["versions"]
    assert texts["published"] == "run run 7 of 2026-03-01 06:30 UTC, by lydite 1.0"
    assert sorted((file, file.stat().st_mtime_ns) for file in folder.rglob("*")) == before


def test_wrong_settings_end_the_checks(folder):
    (folder / "lydite.toml").write_text("[sources]\n")
    [(name, (status, text, _))] = problems(folder).items()
    assert (name, status) == ("settings", "error")
    assert "sources.touchpoints" in text


@pytest.mark.parametrize("name", ["t.csv", "data/c.parquet"])
def test_a_missing_source_is_named(folder, name):
    (folder / name).unlink()
    status, text, fix = problems(folder)["sources"]
    assert status == "error"
    assert "there is no file" in text
    assert "sources." in fix


def test_a_new_project_has_published_nothing(folder):
    shutil.rmtree(folder / "var")
    [(name, (status, text, _))] = problems(folder).items()
    assert (name, status, text) == ("published", "warning", "nothing has been published yet")


def test_a_damaged_warehouse_is_an_error_and_one_in_use_is_not(folder):
    with held_by_another_process(folder / "var/warehouse.duckdb"):
        assert "warehouse" not in problems(folder)
    (folder / "var/warehouse.duckdb").write_bytes(b"x" * 20_000)
    assert problems(folder)["warehouse"][0] == "error"


def test_versions_of_the_warehouse(folder):
    texts = {row.name: row.text for row in examine(folder / "lydite.toml")}
    assert texts["warehouse"].endswith(f"version {WAREHOUSE_VERSION} of its tables")
    path = str(folder / "var/warehouse.duckdb")
    with duckdb.connect(path) as writer:
        writer.execute("update quality.warehouse_version set version = 99")
    status, text, fix = problems(folder)["warehouse"]
    assert (status, fix) == ("error", "pip install --upgrade lydite")
    assert "newer than this one" in text
    with duckdb.connect(path) as writer:
        writer.execute("drop table quality.warehouse_version")
    texts = {row.name: row.text for row in examine(folder / "lydite.toml")}
    assert texts["warehouse"].endswith("version 0 of its tables; the next run upgrades it")


def test_a_run_that_has_not_published_is_a_warning(folder):
    path = str(folder / "var/warehouse.duckdb")
    with duckdb.connect(path) as writer:
        writer.execute("create schema evaluation")
        writer.execute(
            "create table evaluation.last_run as"
            " select 'run 8' as run_id, null::timestamp as complete_at"
        )
    assert problems(folder)["last run"][1] == "run run 8 has begun, and has not published"
    with duckdb.connect(path) as writer:
        writer.execute("update evaluation.last_run set complete_at = timestamp '2026-03-02 06:00'")
    assert problems(folder) == {}


def test_secrets_that_cannot_be_read_are_named_and_none_is_shown(folder, monkeypatch):
    monkeypatch.setenv("DATA", "data")
    monkeypatch.delenv("SLACK", raising=False)
    (folder / "secret").write_text("unseen-7")
    text = SETTINGS.replace("data/*", "${DATA}/*")
    text += f'[notify]\nwebhook = "env:SLACK"\nlink = "${{file:{folder}/secret}}"\n'
    (folder / "lydite.toml").write_text(text)
    status, text, _ = problems(folder)["secrets"]
    assert (status, "SLACK is not set" in text) == ("error", True)
    monkeypatch.setenv("SLACK", "https://hooks.example.com/unseen-8")
    assert problems(folder) == {}
    shown = str(examine(folder / "lydite.toml"))
    assert "${env:SLACK}" in shown
    assert "unseen" not in shown


def test_a_published_file_of_another_version_or_changed_by_others_is_an_error(folder):
    path = folder / "var/attribution.duckdb"
    (folder / "var/attribution.duckdb.wal").touch()
    assert "another program" in problems(folder)["published"][1]
    (folder / "var/attribution.duckdb.wal").unlink()
    with duckdb.connect(str(path)) as writer:
        writer.execute("update mart.schema_version set schema_version = schema_version + 1")
    assert "Update Lydite" in problems(folder)["published"][1]


@pytest.mark.parametrize("name", [".attribution.duckdb.123.new", "warehouse.duckdb.123.scratch"])
def test_files_of_runs_that_were_killed_are_named_once_they_are_old(folder, name):
    file = folder / "var" / name
    file.touch()
    assert problems(folder) == {}
    os.utime(file, (0, 0))
    assert file.name in problems(folder)["leftovers"][1]


def test_a_changed_log_of_decisions_is_an_error(folder):
    (folder / "decisions.jsonl").write_text("{}\n")
    assert problems(folder)["decisions"][0] == "error"


def test_little_disk_and_memory_are_warnings(folder, monkeypatch):
    usage = namedtuple("usage", "total used free")  # noqa: PYI024
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(9, 9, 1000))
    monkeypatch.setattr(doctor.os, "sysconf", lambda _: 1000)
    found = problems(folder)
    assert {name: status for name, (status, _, _) in found.items()} == {
        "disk": "warning", "memory": "warning",
    }  # fmt: skip


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_source_that_is_not_readable_is_an_error(folder):
    (folder / "t.csv").chmod(0)
    assert "cannot be read by this user" in problems(folder)["sources"][1]


def test_the_memory_of_the_container_counts(folder, monkeypatch):
    (folder / "memory.max").write_text("1000000\n")
    monkeypatch.setattr(doctor, "_CONTAINER_MEMORY", folder / "memory.max")
    assert problems(folder)["memory"][1].startswith("0.0 GB")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_not_writable_is_an_error(folder):
    (folder / "var").chmod(0o500)
    try:
        assert problems(folder)["folders"][0] == "error"
    finally:
        (folder / "var").chmod(0o700)
