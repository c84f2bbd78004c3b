"""Selects that run in another DuckDB file, and what is refused."""

import datetime as dt
import subprocess
import sys

import duckdb
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError, UnavailableError
from lydite.inputs import DatabaseSource, LoadOptions, load_table
from tests.inputs.conftest import NOW

SELECT = "select who as user_id, touched_at, channel from shop.events"


@pytest.fixture
def database(tmp_path):
    """Return the path of a DuckDB file with one row in shop.events."""
    path = tmp_path / "crm.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema shop")
        connection.execute(
            "create table shop.events as select 'u1' as who,"
            " timestamp '2026-03-01 09:30' as touched_at, 'search' as channel"
        )
    return path


@pytest.fixture
def source(write):
    def source(database, select=SELECT):
        return DatabaseSource(select=str(write("t.sql", select)), database=str(database))

    return source


def test_a_select_runs_in_another_duckdb_file(read, touches, source, database):
    assert read("touchpoints", source(database)).rows == 1
    assert touches() == [("u1", dt.datetime(2026, 3, 1, 9, 30), "search")]
    assert read("touchpoints", source(database)).rows == 1  # the file was detached


def test_the_select_may_join_files(read, touches, source, database, write):
    names = write("channels.csv", "channel,name\nsearch,Paid search\n")
    select = (
        "select who as user_id, touched_at, name as channel"
        f" from shop.events join read_csv('{names}') using (channel)"
    )
    read("touchpoints", source(database, select))
    assert touches("channel") == [("Paid search",)]


def test_the_path_may_hold_a_variable(read, source, database, monkeypatch):
    monkeypatch.setenv("CRM_FOLDER", str(database.parent))
    assert read("touchpoints", source("${CRM_FOLDER}/crm.duckdb")).rows == 1


@pytest.mark.parametrize(
    ("select", "parts"),
    [
        ("select * from shop.nowhere", ["the select fails", "nowhere does not exist"]),
        ("select nope from shop.events", ["the select fails", '"nope" not found']),
        ("drop table shop.events", ["has drop", "must be one select"]),
    ],
)
def test_selects_that_fail(refused, source, database, select, parts):
    refused(source(database, select), "t.sql in ", database, *parts)


def test_files_that_cannot_be_attached(refused, source, database, tmp_path, write):
    refused(source(tmp_path / "no.duckdb"), "there is no DuckDB file", "Correct the path")
    bad = write("bad.duckdb", "not a database" * 100)
    refused(source(bad), f"{bad} cannot be opened", "Give a DuckDB file")


def test_the_warehouse_itself_needs_no_database(source, tmp_path):
    path = tmp_path / "warehouse.duckdb"
    message = "is the warehouse itself: name the .sql file"
    with DuckDBEngine(path) as engine, pytest.raises(InputError, match=message):
        load_table(engine, "touchpoints", source(path), LoadOptions(now=NOW))


def test_a_file_that_is_being_written(source, database):
    code = (
        f"import duckdb; c = duckdb.connect({str(database)!r}); print('open', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "open\n"
        with DuckDBEngine() as engine, pytest.raises(UnavailableError) as error:
            load_table(engine, "touchpoints", source(database), LoadOptions(now=NOW))
        assert "is being written by another process. Load it again" in str(error.value)
        writer.communicate("\n")
