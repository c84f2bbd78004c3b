"""Tests of publishing: the new file replaces the old one when it is complete."""

import subprocess
import sys

import duckdb
import polars as pl
import pytest

from lydite import publishing
from lydite.engine import DuckDBEngine
from lydite.errors import InputError, UnavailableError
from lydite.pipeline import SCHEMA_VERSION
from lydite.publishing import open_published, publish, touch_credit_path


@pytest.fixture
def engine():
    with DuckDBEngine() as engine:
        engine.create("mart.numbers", "select 1 as n")
        engine.run("comment on table mart.numbers is 'it''s one'")
        engine.run("comment on column mart.numbers.n is 'a number'")
        yield engine


def read(path) -> object:
    with duckdb.connect(str(path), read_only=True) as reader:
        return reader.execute("select n from mart.numbers").fetchall()


def test_tables_and_comments_are_copied(engine, tmp_path) -> None:
    path = tmp_path / "deep" / "out.duckdb"
    assert publish(engine, path) == 1
    assert read(path) == [(1,)]
    with duckdb.connect(str(path), read_only=True) as reader:
        comments = reader.execute("select comment from duckdb_tables()").fetchall()
        columns = reader.execute("select comment from duckdb_columns() where schema_name = 'mart'")
        assert comments == [("it's one",)]
        assert columns.fetchall() == [("a number",)]


def test_views_are_copied_and_nothing_needs_the_schema(engine, tmp_path) -> None:
    path = tmp_path / "out.duckdb"
    engine.create_view("mart.second", "select n + 1 as n from mart.numbers")
    engine.create_view("mart.first", "select n + 1 as n from mart.second")
    engine.run("comment on view mart.first is 'two more'")
    engine.run("comment on column mart.first.n is 'the sum'")
    assert publish(engine, path) == 3
    with duckdb.connect() as reader:  # attached under another name
        reader.execute(f"attach '{path}' as other (read_only)")
        for schema in ("main", "mart"):
            rows = reader.sql(
                f"select f.n, s.n, m.n from other.{schema}.first f,"
                f" other.{schema}.second s, other.{schema}.numbers m"
            )
            assert rows.fetchall() == [(3, 2, 1)]
        about = reader.sql("select comment from duckdb_views() where view_name = 'first'")
        assert about.fetchall() == [("two more",)] * 2
        column = reader.sql("select comment from duckdb_columns() where comment = 'the sum'")
        assert len(column.fetchall()) == 2


def test_a_reader_keeps_the_old_file_open(engine, tmp_path) -> None:
    path = tmp_path / "out.duckdb"
    publish(engine, path)
    with path.open("rb") as old:
        before = path.stat().st_ino
        engine.create("mart.numbers", "select 2 as n")
        publish(engine, path)
        assert path.stat().st_ino != before
        assert old.read(16)
    assert read(path) == [(2,)]


def test_no_temporary_file_is_left(engine, tmp_path) -> None:
    publish(engine, tmp_path / "out.duckdb")
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.duckdb"]


def test_a_failure_leaves_the_old_file(engine, tmp_path, monkeypatch) -> None:
    path = tmp_path / "out.duckdb"
    publish(engine, path)
    engine.create("mart.numbers", "select 2 as n")
    monkeypatch.setattr("lydite.publishing._check", _fails)
    with pytest.raises(InputError):
        publish(engine, path)
    assert read(path) == [(1,)]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.duckdb"]


def test_a_copy_that_differs_is_not_published(engine, tmp_path, monkeypatch) -> None:
    path = tmp_path / "out.duckdb"
    publish(engine, path)
    copy = publishing._copy_marts

    def copy_and_change(engine, new_file, touch_credit):
        tables = copy(engine, new_file, touch_credit)
        with duckdb.connect(str(new_file)) as writer:
            writer.execute("update mart.numbers set n = 7")
        return tables

    monkeypatch.setattr(publishing, "_copy_marts", copy_and_change)
    engine.create("mart.numbers", "select 2 as n")
    with pytest.raises(UnavailableError, match=r"mart\.numbers .* is not what the run computed"):
        publish(engine, path)
    assert read(path) == [(1,)]
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.duckdb"]


def test_every_value_counts_in_the_checksum(engine) -> None:
    engine.create("mart.numbers", "select null as n, 0.1::double as x, [1, 2] as path")
    before = publishing._checksums(engine.connection, ["numbers"])
    changes = (
        "null as n, 0.1::double as x, [2, 1] as path",
        "0 as n, 0.1::double as x, [1, 2] as path",
        "null as n, nextafter(0.1::double, 1) as x, [1, 2] as path",
    )
    for change in changes:
        engine.create("mart.numbers", f"select {change}")
        assert publishing._checksums(engine.connection, ["numbers"]) != before


def _fails(*_: object) -> None:
    raise OSError("disk full")


def test_a_folder_that_cannot_be_created_is_an_error(engine, tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="file"):
        publish(engine, tmp_path / "file" / "out.duckdb")


def test_a_file_with_the_name_of_a_schema_is_an_error(engine, tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be called like a schema"):
        publish(engine, tmp_path / "mart.duckdb")
    assert not list(tmp_path.iterdir())


_TOUCHES = """
select
    'sale' as outcome, 'ann' as user_id, 1 as conversion, null as conversion_id,
    timestamp '2026-01-02' as converted_at, 3.0 as value, p as position,
    timestamp '2026-01-01' as touched_at, 'ad' as channel, null as campaign,
    1 - p / 3 as early, p / 3 as late
from (values (2), (1)) as positions (p)
"""


def test_credit_of_touches_is_published_in_parquet_and_in_a_small_file(engine, tmp_path) -> None:
    path = tmp_path / "out.duckdb"
    engine.create("credit.named_touches", _TOUCHES)
    assert publish(engine, path) == 2
    parquet = touch_credit_path(path)
    assert parquet.name == "out.touch_credit.parquet"
    frame = pl.read_parquet(parquet)
    assert frame.select("position", "model").rows() == [
        (1, "early"), (1, "late"), (2, "early"), (2, "late"),
    ]  # fmt: skip
    assert frame["weight"].to_list() == pytest.approx([2 / 3, 1 / 3, 1 / 3, 2 / 3])
    with duckdb.connect(str(path), read_only=True) as reader:
        assert reader.sql("from touch_credit").pl().equals(frame)
        comments = reader.sql(
            "select count(comment) from duckdb_columns() where table_name = 'touch_credit'"
        )
        assert comments.fetchall() == [(2 * len(frame.columns),)]
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [path.name, parquet.name]
    before = parquet.read_bytes()
    publish(engine, path)
    assert parquet.read_bytes() == before


def test_many_touches_are_in_parquet_only(engine, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("lydite.publishing.MOST_IN_FILE", 1)
    path = tmp_path / "out.duckdb"
    engine.create("credit.named_touches", _TOUCHES)
    assert publish(engine, path) == 1
    assert len(pl.read_parquet(touch_credit_path(path))) == 4


def test_credit_of_touches_of_an_earlier_run_is_removed(engine, tmp_path) -> None:
    path = tmp_path / "out.duckdb"
    engine.create("credit.named_touches", _TOUCHES)
    publish(engine, path)
    assert publish(engine, path, touch_credit=False) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.duckdb"]


def test_a_failure_leaves_both_files(engine, tmp_path, monkeypatch) -> None:
    path = tmp_path / "out.duckdb"
    engine.create("credit.named_touches", _TOUCHES)
    publish(engine, path)
    before = {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()}
    engine.create("credit.named_touches", f"{_TOUCHES} limit 1")
    monkeypatch.setattr("lydite.publishing._check", _fails)
    with pytest.raises(InputError):
        publish(engine, path)
    assert {entry.name: entry.read_bytes() for entry in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("version", "advice"),
    [(SCHEMA_VERSION - 1, "Run the comparison again"), (SCHEMA_VERSION + 1, "Update Lydite")],
)
def test_another_version_of_the_tables_is_refused(engine, tmp_path, version, advice) -> None:
    path = tmp_path / "out.duckdb"
    engine.create(
        "mart.schema_version", f"select {version} as schema_version, '0.0.9' as lydite_version"
    )
    publish(engine, path)
    problem = pytest.raises(InputError, match=rf"out.duckdb .* 0.0.9 .* {version} .*{advice}")
    with problem, open_published(path):
        pass


def test_the_tables_of_this_version_are_read(engine, tmp_path) -> None:
    path = tmp_path / "out.duckdb"
    engine.create(
        "mart.schema_version",
        f"select {SCHEMA_VERSION} as schema_version, '9' as lydite_version",
    )
    publish(engine, path)
    with open_published(path) as reader:
        assert reader.execute("select n from numbers").fetchall() == [(1,)]


def test_a_file_without_a_version_is_refused(engine, tmp_path) -> None:
    publish(engine, tmp_path / "out.duckdb")
    problem = pytest.raises(InputError, match="earlier version")
    with problem, open_published(tmp_path / "out.duckdb"):
        pass


WRITER = """
import os, sys, duckdb
connection = duckdb.connect(sys.argv[1])
connection.execute("update mart.evidence set verdict = 'mine'")
os._exit(9)
"""


def test_changes_of_another_program_are_refused_and_not_published_again(tmp_path) -> None:
    path = tmp_path / "attribution.duckdb"
    with DuckDBEngine() as engine:
        engine.create("mart.evidence", "select 'open' as verdict")
        version = f"select {SCHEMA_VERSION} as schema_version, '9' as lydite_version"
        engine.create("mart.schema_version", version)
        publish(engine, path)
        killed = subprocess.run([sys.executable, "-c", WRITER, str(path)], check=False)
        assert killed.returncode == 9
        assert (tmp_path / "attribution.duckdb.wal").exists()
        problem = pytest.raises(InputError, match=r"\.wal holds changes that another program made")
        with problem, open_published(path):
            pass
        publish(engine, path)
    assert [file.name for file in tmp_path.iterdir()] == ["attribution.duckdb"]
    with open_published(path) as reader:
        assert reader.execute("select verdict from mart.evidence").fetchall() == [("open",)]
