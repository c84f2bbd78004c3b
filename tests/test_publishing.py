"""Tests of publishing: the new file replaces the old one when it is complete."""

import duckdb
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.publishing import publish


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
