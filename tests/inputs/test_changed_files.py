"""Only changed files are read again; the tables equal those of a load of all files."""

from __future__ import annotations

import datetime as dt
import os
from typing import TYPE_CHECKING

import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.inputs import LoadOptions, changed_files, load_table
from lydite.inputs.files import FILE_COLUMN
from lydite.settings import DeclaredEnds, RuleSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = dt.datetime(2026, 6, 1)
DAY = dt.datetime(2026, 3, 1)


@pytest.fixture
def warehouse(tmp_path) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
        yield engine


def rows(*users: str | None, day: int = 0, **cells: object) -> pl.DataFrame:
    """Return a touchpoint for each user."""
    times = [DAY + dt.timedelta(days=day, minutes=i) for i in range(len(users))]
    frame = pl.DataFrame(
        {"user_id": users, "touched_at": times}, schema_overrides={"user_id": pl.String}
    )
    return frame.with_columns(pl.lit("search").alias("channel")).with_columns(
        pl.lit(value).alias(name) for name, value in cells.items()
    )


def write(folder: Path, name: str, frame: pl.DataFrame) -> None:
    folder.mkdir(exist_ok=True)
    file = folder / name
    frame.write_csv(file) if file.suffix == ".csv" else frame.write_parquet(file)


@pytest.fixture(autouse=True)
def files_are_settled(monkeypatch) -> None:
    """Take the times of files as they are: tests write and read them within a second."""
    monkeypatch.setattr(changed_files, "_UNSETTLED_NS", 0)


def both(warehouse, folder, pattern="*.parquet", **options) -> str | None:
    """Load the files, compare with a load of all files, and return which were read."""
    source, given = str(folder / pattern), {"now": NOW} | options
    report = load_table(warehouse, "touchpoints", source, LoadOptions(**given))
    with DuckDBEngine() as engine:
        whole = load_table(engine, "touchpoints", source, LoadOptions(**given))
        assert (report.rows, report.bad, report.read, report.zone) == (
            whole.rows, whole.bad, whole.read, whole.zone,
        )  # fmt: skip
        for table in ("inputs.touchpoints", "quarantine.touchpoints"):
            expected, found = engine.frame(f"from {table}"), warehouse.frame(f"from {table}")
            assert (
                found.drop(FILE_COLUMN, strict=False)
                .sort(expected.columns)
                .equals(expected.sort(expected.columns))
            )
    return report.files


def changed(warehouse) -> list[str] | None:
    """Return the users that have changed, None if any may have."""
    if not warehouse.exists(changed_files.CHANGED_USERS):
        return None
    found = warehouse.rows(f"select distinct user_id from {changed_files.CHANGED_USERS} order by 1")
    return [user for (user,) in found]


ALL = "all files: "


def test_only_new_changed_and_vanished_files_are_replaced(warehouse, tmp_path):
    folder = tmp_path / "touches"
    for day, users in enumerate([("a", "b"), ("b", None), ("c",), ("d",)]):
        write(folder, f"{day}.parquet", rows(*users, day=day))
    assert both(warehouse, folder) == f"{ALL}no earlier run has loaded them by file"
    assert changed(warehouse) is None
    changed_files.reset_changed_users(warehouse)
    assert both(warehouse, folder) == "0 of 4 files"
    assert changed(warehouse) == []
    write(folder, "4.parquet", rows("e", "a", day=4))
    assert both(warehouse, folder) == "1 of 5 files"
    assert changed(warehouse) == ["a", "e"]
    changed_files.reset_changed_users(warehouse)
    write(folder, "1.parquet", rows("x", None, None, day=1))
    (folder / "2.parquet").unlink()
    assert both(warehouse, folder) == "1 of 4 files"
    assert changed(warehouse) == ["b", "c", "x"]
    write(folder, "5.parquet", rows("z", day=5))
    assert both(warehouse, folder) == "1 of 5 files"
    assert changed(warehouse) == ["b", "c", "x", "z"]  # until journeys are built


def test_users_with_new_rows_only_have_lost_none(warehouse, tmp_path):
    folder = tmp_path / "touches"
    for day, users in enumerate([("a", "b"), ("c",)]):
        write(folder, f"{day}.parquet", rows(*users, day=day))
    both(warehouse, folder)
    changed_files.reset_changed_users(warehouse)
    write(folder, "1.parquet", rows("d", day=1))
    both(warehouse, folder)
    found = warehouse.rows(f"from {changed_files.CHANGED_USERS} order by user_id")
    assert found == [("c", True), ("d", False)]
    changed_files.reset_changed_users(warehouse)
    before = pl.DataFrame({"user_id": ["a", "a", "b", "c"], "value": [1.0, 1.0, 2.0, None]})
    warehouse.store("inputs.conversions", before)
    with changed_files.compared(warehouse, "conversions"):
        after = pl.DataFrame({"user_id": ["a", "b", "c", "e"], "value": [1.0, 3.0, None, 0.0]})
        warehouse.store("inputs.conversions", after)
    found = warehouse.rows(f"from {changed_files.CHANGED_USERS} order by user_id")
    assert found == [("a", True), ("b", True), ("e", False)]


def test_the_digests_of_files_add_up_to_that_of_all_rows(warehouse, tmp_path):
    folder, one = tmp_path / "touches", tmp_path / "one"

    def digest() -> tuple[int, ...]:
        both(warehouse, folder)
        return changed_files.digest_rows(warehouse, "touchpoints")

    for day, users in enumerate([("a", "b", None), ("b", "b")]):
        write(folder, f"{day}.parquet", rows(*users, day=day))
    first = digest()
    write(folder, "2.parquet", rows("a", "c", day=2))
    later = digest()
    assert first[0] == 4
    assert later[0] == 6
    write(one, "all.parquet", pl.concat([rows("a", "c", day=2), rows("b", "b", day=1)]))
    write(one, "0.parquet", rows("a", "b", None))
    folder = one
    assert digest() == later  # the same rows in other files
    warehouse.run("delete from inputs.touchpoints where user_id = 'c'")
    deleted = changed_files.digest_rows(warehouse, "touchpoints")
    write(one, "all.parquet", pl.concat([rows("a", day=2), rows("b", "b", day=1)]))
    assert digest() == deleted


def test_a_file_that_is_replaced_at_the_same_size_and_time_is_read_again(warehouse, tmp_path):
    folder = tmp_path / "touches"
    for name in ("one.csv", "two.csv"):
        write(folder, name, rows("a", "b"))
    both(warehouse, folder, "*.csv")
    before = (folder / "two.csv").stat()
    other = folder / "new"
    rows("a", "c").write_csv(other)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(folder / "two.csv")
    assert (folder / "two.csv").stat().st_size == before.st_size
    both(warehouse, folder, "*.csv")
    assert ("c",) in warehouse.rows("select user_id from inputs.touchpoints")


def test_a_file_that_was_just_written_is_read_again(warehouse, tmp_path, monkeypatch):
    folder = tmp_path / "touches"
    write(folder, "1.parquet", rows("a"))
    monkeypatch.setattr(changed_files, "_UNSETTLED_NS", 0)
    both(warehouse, folder)
    monkeypatch.setattr(changed_files, "_UNSETTLED_NS", 10**12)
    write(folder, "2.parquet", rows("b"))
    assert both(warehouse, folder) == "1 of 2 files"
    assert both(warehouse, folder) == "1 of 2 files"
    monkeypatch.setattr(changed_files, "_UNSETTLED_NS", 0)
    assert both(warehouse, folder) == "1 of 2 files"
    assert both(warehouse, folder) == "0 of 2 files"


def test_rows_in_the_future_are_read_until_they_are_accepted(warehouse, tmp_path):
    folder = tmp_path / "touches"
    write(folder, "1.parquet", rows("a"))
    write(folder, "2.parquet", rows("b", day=40))
    assert both(warehouse, folder, now=DAY + dt.timedelta(days=10)).startswith(ALL)
    assert both(warehouse, folder, now=DAY + dt.timedelta(days=20)) == "1 of 2 files"
    assert both(warehouse, folder) == "1 of 2 files"
    assert both(warehouse, folder) == "0 of 2 files"


@pytest.mark.parametrize(
    "options",
    [
        {"ends": DeclaredEnds(touchpoints=DAY + dt.timedelta(days=1))},
        {"timezone": "Europe/Berlin"},
        {"rules": {"bursts": RuleSettings(severity="set_aside")}},
    ],
)
def test_other_settings_read_all_files(warehouse, tmp_path, options):
    folder = tmp_path / "touches"
    for day in range(3):
        write(folder, f"{day}.parquet", rows("a", "b", day=day))
    both(warehouse, folder)
    changed_files.reset_changed_users(warehouse)
    words = both(warehouse, folder, **options)
    assert words is None or words.startswith(ALL)
    assert changed(warehouse) is None
    assert both(warehouse, folder).startswith(ALL)
    assert both(warehouse, folder) == "0 of 3 files"


@pytest.mark.parametrize(
    "odd",
    [
        {"campaign": "spring"},  # a column that the others lack
        {"cost": "1.234,5"},  # another decimal mark
        {"touched_at": "2026-03-05T10:00:00"},  # times of another type
        {"currency": "EUR"},
        {"medium": "cpc"},
    ],
)
def test_a_file_that_is_read_in_another_way_makes_all_be_read(warehouse, tmp_path, odd):
    folder = tmp_path / "touches"
    for day in range(2):
        write(folder, f"{day}.parquet", rows("a", day=day))
    both(warehouse, folder)
    write(folder, "odd.parquet", rows("b", **odd))
    words = both(warehouse, folder)
    assert words is None or words.startswith(ALL)


def test_new_csv_files_are_read_alone_and_replaced_ones_make_all_be_read(warehouse, tmp_path):
    # Text of the replaced file may have decided how the text of the others is read.
    folder = tmp_path / "touches"
    write(folder, "0.csv", rows("a", cost="1,234"))
    write(folder, "1.csv", rows("b", cost="1,5", day=1))
    both(warehouse, folder, "*.csv")
    assert warehouse.rows("select cost from inputs.touchpoints order by 1") == [(1.234,), (1.5,)]
    write(folder, "2.csv", rows("c", cost="2,5", day=2))
    assert both(warehouse, folder, "*.csv") == "1 of 3 files"
    write(folder, "1.csv", rows("b", cost="7", day=1))
    write(folder, "2.csv", rows("c", cost="1.5", day=2))
    assert both(warehouse, folder, "*.csv").startswith(ALL)
    write(folder, "3.csv", rows("d", cost="1.5", day=3))
    (folder / "3.csv").write_text((folder / "3.csv").read_text() + "only one cell\n")
    assert both(warehouse, folder, "*.csv") is None  # lines that cannot be read


def test_rows_of_erased_users_are_counted(warehouse, tmp_path):
    folder = tmp_path / "touches"
    for day in range(2):
        write(folder, f"{day}.parquet", rows("a", None, "b", day=day))
    load_table(warehouse, "touchpoints", str(folder / "*.parquet"), LoadOptions(now=NOW))
    warehouse.run("delete from inputs.touchpoints where user_id = 'a'")
    write(folder, "2.parquet", rows("c", day=2))
    report = load_table(warehouse, "touchpoints", str(folder / "*.parquet"), LoadOptions(now=NOW))
    assert report.files == "1 of 3 files"
    assert (report.rows, report.erased, report.read) == (3, 2, 7)


def test_in_memory_nothing_is_kept(tmp_path):
    folder = tmp_path / "touches"
    write(folder, "1.parquet", rows("a"))
    with DuckDBEngine() as engine:
        assert both(engine, folder) is None
        assert FILE_COLUMN not in engine.columns("inputs.touchpoints")


def test_users_with_other_conversions_have_changed(warehouse, tmp_path):
    def bought(*users):
        times = [DAY] * len(users)
        return pl.DataFrame({"user_id": users, "converted_at": times})

    write(tmp_path / "touches", "1.parquet", rows("a"))
    both(warehouse, tmp_path / "touches")
    load_table(warehouse, "conversions", bought("a", "b", "c"), LoadOptions(now=NOW))
    changed_files.reset_changed_users(warehouse)
    load_table(warehouse, "conversions", bought("a", "c", "d"), LoadOptions(now=NOW))
    assert changed(warehouse) == ["b", "d"]
