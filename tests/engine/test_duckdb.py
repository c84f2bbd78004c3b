"""Tests of the DuckDB engine: statements, tables, results and files."""

from __future__ import annotations

import signal
import threading
import time
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

from lydite.engine import DuckDBEngine
from lydite.engine.duckdb import quote_literal
from lydite.errors import InputError, UnavailableError
from tests.helpers.processes import held_by_another_process

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERS = "select * from (values (1, 'one'), (2, 'two')) as numbers (number, name)"


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine() as engine:
        yield engine


# --- parameters -----------------------------------------------------------------------------------


def test_a_statement_takes_its_parameters_by_name(engine):
    sql = "select $least + $most"
    assert engine.scalar(sql, {"least": 1, "most": 2}) == 3


def test_a_parameter_may_be_used_twice(engine):
    assert engine.rows("select $word, $word", {"word": "it's"}) == [("it's", "it's")]


def test_unused_parameters_are_ignored(engine):
    assert engine.scalar("select $used", {"used": 1, "unused": 2}) == 1
    assert engine.scalar("select 1", {"unused": 2}) == 1


def test_parameters_in_comments_are_ignored(engine):
    assert engine.scalar("select 1 -- once $unused", {"unused": 2}) == 1


def test_a_parameter_whose_name_is_a_prefix_of_another_is_distinct(engine):
    assert engine.scalar("select $cost", {"cost": 1, "cost_limit": 2}) == 1


def test_a_missing_parameter_is_an_error(engine):
    with pytest.raises(duckdb.InvalidInputException, match="wanted"):
        engine.scalar("select $wanted, $given", {"given": 1})


# --- tables ---------------------------------------------------------------------------------------


def test_create_also_creates_the_schema(engine):
    engine.create("fresh.numbers", NUMBERS)
    assert engine.rows("from fresh.numbers") == [(1, "one"), (2, "two")]


def test_create_replaces_a_table(engine):
    engine.create("main.numbers", NUMBERS)
    engine.create("main.numbers", "select 3 as other")
    assert engine.rows("from main.numbers") == [(3,)]


def test_create_takes_parameters(engine):
    engine.create("main.words", "select $word as word", {"word": "yes"})
    assert engine.scalar("from main.words") == "yes"


def test_create_runs_a_file_by_its_name(engine):
    engine.create("journeys.positions", "journeys/positions")
    assert engine.scalar("select count(*) from journeys.positions") == 50 * 51 / 2


def test_append_creates_a_missing_table(engine):
    engine.append("main.numbers", NUMBERS)
    assert engine.rows("from main.numbers") == [(1, "one"), (2, "two")]


def test_append_adds_rows_by_column_name(engine):
    engine.create("main.numbers", NUMBERS)
    engine.append("main.numbers", "select $name as name, 3 as number", {"name": "three"})
    assert engine.rows("from main.numbers where number = 3") == [(3, "three")]


def test_a_view_shows_rows_that_are_appended_later(engine):
    engine.create("main.numbers", NUMBERS)
    engine.create_view("seen.doubled", "select 2 * number as doubled from main.numbers")
    engine.append("main.numbers", "select 3 as number, 'three' as name")
    assert engine.rows("from seen.doubled") == [(2,), (4,), (6,)]


def test_a_view_can_be_replaced(engine):
    engine.create_view("seen.it", "select 1 as it")
    engine.create_view("seen.it", "select 2 as it, 3 as that")
    assert engine.rows("from seen.it") == [(2, 3)]


def test_tables_and_views_exist_after_creation(engine):
    assert not engine.exists("mine.a_table")
    engine.create("mine.a_table", NUMBERS)
    engine.create_view("mine.a_view", NUMBERS)
    assert engine.exists("mine.a_table")
    assert engine.exists("mine.a_view")
    assert not engine.exists("yours.a_table")


def test_a_transaction_knows_what_it_has_created(engine):
    with engine.transaction():
        engine.create("journeys.numbers", "select 1 as n")
        engine.create_view("journeys.copies", "from journeys.numbers")
        engine.append("journeys.numbers", "select 2 as n")
        assert engine.exists("journeys.copies")
    assert engine.scalar("select sum(n) from journeys.copies") == 3
    with engine.transaction():
        engine.drop("journeys.numbers")
        assert not engine.exists("journeys.numbers")
    assert not engine.exists("journeys.numbers")


def test_a_dropped_table_is_gone(engine):
    engine.create("main.numbers", NUMBERS)
    engine.drop("main.numbers")
    assert not engine.exists("main.numbers")


def test_dropping_a_missing_table_is_no_error(engine):
    engine.drop("main.numbers")
    engine.drop("nowhere.numbers")


def test_the_engine_is_its_own_local_engine(engine):
    assert engine.local is engine
    engine.append_local("x.numbers", NUMBERS)
    engine.append_local("x.numbers", "select 3 as number, 'three' as name")
    engine.copy_from_local("x.numbers")
    assert engine.rows("select number from x.numbers") == [(1,), (2,), (3,)]
    assert engine.translation_error("median(number)") is None


def test_a_frame_is_stored_with_its_types(engine):
    frame = pl.DataFrame({"name": ["a", None], "share": [0.5, 1.0]})
    engine.store("lent.shares", frame)
    assert engine.frame("from lent.shares").equals(frame)


def test_comments_of_a_file_are_set_on_table_and_columns(engine):
    engine.create("journeys.positions", "journeys/positions")
    engine.comment("journeys.positions", "journeys/positions")
    about = engine.scalar("select comment from duckdb_tables() where table_name = 'positions'")
    columns = dict(
        engine.rows("select column_name, comment from duckdb_columns() where not internal")
    )
    assert about.startswith("Lists the positions on a path of each length")
    assert columns["position"] == "1 for the first touch .. path_length for the last"


def test_quotes_in_text_are_doubled(engine):
    assert engine.scalar(f"select {quote_literal(chr(39) + 'tis')}") == "'tis"


# --- staging database -----------------------------------------------------------------------------


def test_names_resolve_in_the_database_in_use(engine):
    engine.create("mine.numbers", NUMBERS)
    with engine.staging_database() as staging:
        with engine.use_database(staging) as own:
            assert not engine.exists("mine.numbers")
            engine.create("mine.numbers", f"select number + 2 as number from {own}.mine.numbers")
            assert engine.rows("from mine.numbers") == [(3,), (4,)]
        assert engine.rows("from mine.numbers") == [(1, "one"), (2, "two")]
        engine.append("mine.numbers", f"select *, 'more' as name from {staging}.mine.numbers")
    assert engine.scalar("select sum(number) from mine.numbers") == 10


def test_after_an_error_names_resolve_in_the_main_database_again(engine):
    engine.create("mine.numbers", NUMBERS)
    with (
        pytest.raises(KeyboardInterrupt),
        engine.staging_database() as staging,
        engine.use_database(staging),
    ):
        raise KeyboardInterrupt
    assert engine.exists("mine.numbers")
    with engine.staging_database() as staging, engine.use_database(staging):
        assert not engine.exists("mine.numbers")


def test_a_file_with_quotes_in_its_name_can_have_a_staging_database(tmp_path):
    with DuckDBEngine(tmp_path / 'a "b" - c.duckdb') as engine:
        engine.create("mine.numbers", NUMBERS)
        with engine.staging_database() as staging, engine.use_database(staging) as own:
            assert engine.scalar(f"select count(*) from {own}.mine.numbers") == 2


def test_a_file_is_persistent(engine, tmp_path):
    assert not engine.is_persistent
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as written:
        assert written.is_persistent
        with written.staging_database() as staging, written.use_database(staging):
            assert not written.is_persistent


# --- results --------------------------------------------------------------------------------------


def test_scalar_of_no_rows_is_none(engine):
    assert engine.scalar("select 1 where false") is None


def test_a_frame_is_a_polars_frame(engine):
    expected = pl.DataFrame({"number": [1, 2], "name": ["one", "two"]})
    assert_frame_equal(engine.frame(NUMBERS), expected, check_dtypes=False)


def test_arrays_come_by_column(engine):
    assert engine.fetch_numpy(NUMBERS)["number"].tolist() == [1, 2]


@pytest.mark.parametrize("rows", [0, 1, 1000])
def test_arrays_with_a_known_number_of_rows_are_equal(engine, rows, monkeypatch):
    monkeypatch.setattr("lydite.engine.duckdb._ROWS_AT_ONCE", 300)
    kinds = "i::smallint as small, i / 3 as share, i % 3 = 0 as third"
    at = "timestamp '2026-01-01' + to_seconds(i) as at"
    sql = f"select i, {kinds}, {at} from range({rows}) as numbers(i)"
    found, expected = engine.fetch_numpy(sql, rows=rows), engine.fetch_numpy(sql)
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert found[name].dtype == values.dtype
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("kind", [pl.DataFrame, pd.DataFrame, pa.table])
def test_a_frame_of_any_library_can_be_registered(engine, kind):
    with engine.registered(kind({"number": [1, 2]})) as name:
        assert engine.scalar(f"select sum(number) from {name}") == 3


def test_a_registered_frame_is_unregistered(engine):
    with engine.registered(pl.DataFrame({"number": [1]})) as name:
        pass
    with pytest.raises(duckdb.CatalogException):
        engine.rows(f"from {name}")


def test_times_are_utc_in_any_time_zone_of_the_machine(engine):
    written = "select cast(timestamptz '2026-01-01 00:00:00+02:00' as timestamp)::varchar"
    assert engine.scalar(written) == "2025-12-31 22:00:00"


# --- the warehouse file ---------------------------------------------------------------------------


def test_a_file_keeps_its_tables(tmp_path):
    path = tmp_path / "new" / "folder" / "warehouse.duckdb"
    with DuckDBEngine(path) as engine:
        engine.create("kept.numbers", NUMBERS)
    with DuckDBEngine(path) as engine:
        assert engine.exists("kept.numbers")


def test_leaving_the_block_closes_the_connection():
    with DuckDBEngine() as engine:
        pass
    with pytest.raises(duckdb.ConnectionException):
        engine.scalar("select 1")


def test_threads_and_memory_are_limited_on_request():
    with DuckDBEngine(threads=1, memory_limit="1GiB") as engine:
        assert engine.scalar("select current_setting('threads')") == 1
        assert engine.scalar("select current_setting('memory_limit')") == "1.0 GiB"


def test_a_file_open_in_another_process_is_an_error_with_advice(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with held_by_another_process(path), pytest.raises(UnavailableError) as caught:
        DuckDBEngine(path)
    assert str(path) in str(caught.value)
    assert "is being written by another process" in str(caught.value)
    assert "published copy" in str(caught.value)


def test_a_file_can_be_opened_after_the_other_process_has_ended(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    with held_by_another_process(path):
        pass
    with DuckDBEngine(path) as engine:
        assert engine.scalar("select 1") == 1


@pytest.mark.parametrize("name", ["journeys.duckdb", "Mart.db", "raw"])
def test_a_file_with_the_name_of_a_schema_is_an_error(tmp_path, name):
    with pytest.raises(InputError, match=r"cannot be called like a schema.*attribution\.duckdb"):
        DuckDBEngine(tmp_path / name)
    assert not (tmp_path / name).exists()


@pytest.mark.parametrize("place", [100, 4_104, 8_202])
def test_a_damaged_file_is_not_taken_for_one_in_use(tmp_path, place):
    path = tmp_path / "warehouse.duckdb"
    with DuckDBEngine(path) as engine:
        engine.create("kept.numbers", NUMBERS)
    damaged = bytearray(path.read_bytes())
    damaged[place : place + 64] = b"x" * 64
    path.write_bytes(damaged)
    with pytest.raises(UnavailableError, match=r"warehouse\.duckdb: .* is damaged: restore it"):
        DuckDBEngine(path)


def test_what_killed_processes_left_next_to_a_file_is_removed(tmp_path):
    path = tmp_path / "warehouse.duckdb"
    (tmp_path / "warehouse.duckdb.tmp").mkdir()
    left = ("warehouse.duckdb.12.scratch", "warehouse.duckdb.12.scratch.wal",
            "warehouse.duckdb.tmp/duckdb_temp_storage_S32K-0.tmp")  # fmt: skip
    mine = ("other.duckdb.12.scratch", "warehouse.duckdb.backup", "warehouse.duckdb.tmp/notes")
    for name in (*left, *mine):
        (tmp_path / name).write_text("x")
    with DuckDBEngine(path) as engine, engine.scratch_database():
        assert len(list(tmp_path.glob("warehouse.duckdb.*.scratch"))) == 1
    assert not any((tmp_path / name).exists() for name in left)
    assert all((tmp_path / name).exists() for name in mine)


def test_a_file_that_is_not_a_database_is_an_error(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("These are notes, and no database at all. " * 100)
    with pytest.raises(InputError, match=r"notes\.txt cannot be opened as a DuckDB file"):
        DuckDBEngine(path)


class _Stopped(BaseException):
    """What the handler of a signal raises."""


@pytest.fixture
def signal_in_a_moment():
    """Send a signal to this process in the middle of what runs then."""

    def stop(*_):
        raise _Stopped

    before = signal.signal(signal.SIGTERM, stop)
    threading.Timer(0.3, signal.raise_signal, [signal.SIGTERM]).start()
    yield
    signal.signal(signal.SIGTERM, before)


@pytest.mark.parametrize(
    "read",
    [
        DuckDBEngine.run,
        DuckDBEngine.frame,
        DuckDBEngine.fetch_numpy,
        lambda engine, sql: engine.fetch_numpy(sql, rows=1),
    ],
)
def test_after_a_signal_the_next_statement_does_not_wait_for_the_query(
    engine, signal_in_a_moment, read
):
    with pytest.raises((_Stopped, RuntimeError)):
        read(engine, "select sum(a.range * b.range) as n from range(1000000) a, range(1000000) b")
    started = time.monotonic()
    assert engine.scalar("select 1") == 1
    assert time.monotonic() - started < 5
