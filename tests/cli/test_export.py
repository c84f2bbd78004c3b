"""``lydite export``: options, and where the published file is."""

from __future__ import annotations

import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.pipeline import SCHEMA_VERSION
from lydite.publishing import publish
from tests.helpers.command_line import lydite


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a published file."""
    with DuckDBEngine() as engine:
        engine.create(
            "mart.schema_version",
            f"select {SCHEMA_VERSION} as schema_version, '1' as lydite_version",
        )
        publish(engine, tmp_path / "shop.duckdb")
    return tmp_path


def test_the_settings_say_where_the_published_file_is(folder):
    (folder / "lydite.toml").write_text(
        '[sources]\ntouchpoints = "t.csv"\nconversions = "c.csv"\n'
        '[storage]\npublished = "shop.duckdb"\n'
    )
    run = lydite("export", "--out", "tables", cwd=folder)
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout == "the tables of shop.duckdb are in tables\n"
    assert len(pl.read_parquet(folder / "tables/schema_version.parquet")) == 1


def test_a_database_can_be_given_and_the_format_chosen(folder):
    options = ("--database", "shop.duckdb", "--format", "csv", "--out", "tables")
    assert lydite("export", *options, cwd=folder).returncode == 0
    assert (folder / "tables/schema_version.csv").exists()


def test_what_cannot_be_exported_is_an_error_on_one_line(folder):
    run = lydite("export", "--database", "none.duckdb", "--out", "tables", cwd=folder)
    assert run.returncode == 2
    assert run.stderr == "error: there is no published file none.duckdb: run the comparison first\n"
    assert not (folder / "tables").exists()
