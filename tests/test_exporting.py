"""Exports: the same rows in every format, in a folder that appears when it is complete."""

from __future__ import annotations

import csv
import sys
from datetime import date, datetime
from zipfile import ZipFile

import duckdb
import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.exporting import export_tables
from lydite.pipeline import SCHEMA_VERSION
from lydite.publishing import publish, touch_credit_path

HOSTILE = ["=1+1", "+1", "-1", "@now", "\t=1", "\r=1", "＝1", "a > b", 'say "no", then', "", None]


@pytest.fixture
def published(tmp_path):
    """Return a published file with every kind of value."""
    path = tmp_path / "shop.duckdb"
    with DuckDBEngine() as engine:
        engine.create(
            "mart.schema_version",
            f"select {SCHEMA_VERSION} as schema_version, '1' as lydite_version",
        )
        frame = pl.DataFrame(
            {
                "text": HOSTILE,
                "number": [-1.5, None, *range(len(HOSTILE) - 2)],
                "whole": range(len(HOSTILE)),
                "flag": [True, None] + [False] * (len(HOSTILE) - 2),
                "day": [date(2026, 1, 2)] * len(HOSTILE),
                "at": [datetime(2026, 1, 2, 3, 4, 5)] * len(HOSTILE),
            },
            strict=False,
        )
        engine.store("mart.values", frame)
        engine.run("comment on column mart.values.text is 'what it says'")
        engine.create("mart.empty", "select 1 as n where false")
        engine.create_view("mart.twice", "select 2 * whole as n from mart.values")
        publish(engine, path)
    return path


def read(path, name):
    with duckdb.connect(str(path), read_only=True) as reader:
        return reader.sql(f'from "{name}"').pl()


def test_parquet_has_the_rows_of_every_table_and_view(published, tmp_path):
    out = tmp_path / "deep" / "out"
    assert export_tables(published, out) == []
    names = {entry.stem for entry in out.iterdir()}
    assert names == {"columns", "schema_version", "values", "empty", "twice"}
    for name in names - {"columns"}:
        assert pl.read_parquet(out / f"{name}.parquet").equals(read(published, name))
    about = pl.read_parquet(out / "columns.parquet")
    assert ("values", "text", "VARCHAR", "what it says") in about.rows()
    assert [entry.name for entry in (tmp_path / "deep").iterdir()] == ["out"]


def test_text_in_csv_is_no_formula(published, tmp_path):
    export_tables(published, tmp_path / "out", "csv")
    with (tmp_path / "out/values.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"] for row in rows]
    assert texts[:7] == [f"'{text}" for text in HOSTILE[:7]]
    assert texts[7:] == [*HOSTILE[7:10], ""]
    assert rows[0]["number"] == "-1.5"  # a number stays one
    assert rows[0]["at"] == "2026-01-02 03:04:05"


def test_a_workbook_has_a_sheet_for_every_table(published, tmp_path):
    pytest.importorskip("xlsxwriter")
    export_tables(published, tmp_path / "out", "xlsx")
    path = tmp_path / "out/shop.xlsx"
    with ZipFile(path) as archive:
        book = archive.read("xl/workbook.xml").decode()
        sheets = [archive.read(name).decode() for name in archive.namelist() if "sheets/" in name]
    for name in ("columns", "schema_version", "values", "empty", "twice"):
        assert f'name="{name}"' in book
    assert not any("<f>" in sheet for sheet in sheets)  # no formula
    [sheet] = [sheet for sheet in sheets if ">=1+1<" in sheet]
    assert "<v>-1.5</v>" in sheet
    assert 't="b"' in sheet
    assert "46024.12783564815" in sheet  # 2026-01-02 03:04:05


def test_tables_with_too_many_rows_are_named(published, tmp_path, monkeypatch):
    pytest.importorskip("xlsxwriter")
    monkeypatch.setattr("lydite.exporting.MOST_ROWS", len(HOSTILE) - 1)
    left_out = export_tables(published, tmp_path / "out", "xlsx")
    assert {"values", "twice"} <= set(left_out)
    assert "empty" not in left_out


def test_a_workbook_without_its_package_is_refused(published, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(InputError, match=r"pip install 'lydite\[excel\]'"):
        export_tables(published, tmp_path / "out", "xlsx")
    assert not (tmp_path / "out").exists()


def test_an_earlier_export_is_replaced_as_a_whole(published, tmp_path):
    out = tmp_path / "out"
    export_tables(published, out, "csv")
    export_tables(published, out, "parquet")
    assert {entry.suffix for entry in out.iterdir()} == {".parquet"}


def test_a_folder_with_other_files_is_refused(published, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"has other files \(mine.txt\)"):
        export_tables(published, tmp_path)
    with pytest.raises(InputError, match="is a file"):
        export_tables(published, tmp_path / "mine.txt")
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_a_failure_leaves_the_earlier_export(published, tmp_path, monkeypatch):
    out = tmp_path / "out"
    export_tables(published, out)
    before = {entry.name: entry.read_bytes() for entry in out.iterdir()}
    monkeypatch.setattr("lydite.exporting._write_files", _fails)
    with pytest.raises(InputError, match="disk full"):
        export_tables(published, out)
    assert {entry.name: entry.read_bytes() for entry in out.iterdir()} == before
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out", "shop.duckdb"]


def _fails(*_: object) -> None:
    raise OSError("disk full")


def test_credit_of_touches_comes_from_the_file_next_to_the_database(published, tmp_path):
    frame = pl.DataFrame({"user_id": ["ann"], "weight": [1.0]})
    frame.write_parquet(touch_credit_path(published))
    export_tables(published, tmp_path / "out")
    assert pl.read_parquet(tmp_path / "out/touch_credit.parquet").equals(frame)


def test_an_unknown_format_and_a_missing_file_are_refused(published, tmp_path):
    with pytest.raises(InputError, match="there is no format 'ods'"):
        export_tables(published, tmp_path / "out", "ods")
    with pytest.raises(InputError, match="there is no published file"):
        export_tables(tmp_path / "none.duckdb", tmp_path / "out")
