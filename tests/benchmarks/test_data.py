"""The data of the benchmarks: the same every time, and as large as promised."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from benchmarks import data
from benchmarks.data import (
    CHANNELS,
    about,
    journey_table,
    make_journeys,
    make_paths,
    make_touches,
    path_table,
)

PATHS = 5_000


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return make_paths(PATHS)


def lengths(table: pl.DataFrame) -> list[int]:
    return [len(path.split(" > ")) for path in table["path"]]


def test_the_same_seed_makes_the_same_table(table):
    assert_frame_equal(make_paths(PATHS), table)
    assert not make_paths(PATHS, seed=1).equals(table)


def test_there_are_as_many_distinct_paths_as_requested(table):
    assert table.columns == ["path", "conversions", "value", "nulls"]
    assert len(table) == table["path"].n_unique() == PATHS
    assert {step for path in table["path"] for step in path.split(" > ")} == set(CHANNELS)


def test_journeys_have_four_touches_on_average_and_some_more_than_twenty(table):
    length = pl.Series(lengths(table))
    journeys = table["conversions"] + table["nulls"]
    assert journeys.min() >= 1
    assert (length * journeys).sum() / journeys.sum() == pytest.approx(4, abs=0.2)
    assert length.max() > 20


def test_only_conversions_have_a_value_and_longer_paths_convert_more_often(table):
    assert ((table["value"] > 0) == (table["conversions"] > 0)).all()
    assert table["nulls"].sum() > table["conversions"].sum() > 0
    counts = table.select("conversions", "nulls", long=pl.Series(lengths(table)) > 4)
    grouped = counts.group_by("long").sum()
    rate = {
        row["long"]: row["conversions"] / (row["conversions"] + row["nulls"])
        for row in grouped.rows(named=True)
    }
    assert rate[True] > rate[False]


def test_a_factor_multiplies_counts_and_values(table):
    tenfold = make_paths(PATHS, factor=10)
    assert_frame_equal(
        tenfold, table.with_columns(pl.col("conversions", "value", "nulls") * 10), rel_tol=1e-12
    )


def test_a_file_is_written_once(tmp_path):
    file = path_table(50, folder=tmp_path)
    assert_frame_equal(pl.read_parquet(file), make_paths(50))
    made = file.stat().st_mtime_ns
    assert path_table(50, folder=tmp_path) == file
    assert file.stat().st_mtime_ns == made
    assert path_table(50, factor=10, folder=tmp_path) != file
    assert path_table(50, seed=1, folder=tmp_path) != file


def test_journeys_have_the_requested_touches_and_one_in_ten_converts():
    table = make_journeys(100_000)
    assert table.columns == ["path", "conversions", "value", "nulls"]
    assert len(table) == table["path"].n_unique()
    journeys = table["conversions"] + table["nulls"]
    assert journeys.sum() == 25_000
    assert (pl.Series(lengths(table)) * journeys).sum() == pytest.approx(100_000, rel=0.03)
    assert table["conversions"].sum() / journeys.sum() == pytest.approx(0.1, abs=0.01)
    assert journeys.is_sorted(descending=True)
    assert_frame_equal(make_journeys(100_000), table)
    assert not make_journeys(100_000, seed=1).equals(table)


def test_journeys_are_drawn_in_blocks(monkeypatch):
    monkeypatch.setattr(data, "_BLOCK", 300)
    table = make_journeys(4_000)
    assert (table["conversions"] + table["nulls"]).sum() == 1_000
    assert len(table) == table["path"].n_unique()


def test_a_file_of_journeys_is_written_once(tmp_path):
    file = journey_table(4_000, folder=tmp_path)
    assert_frame_equal(pl.read_parquet(file), make_journeys(4_000))
    made = file.stat().st_mtime_ns
    assert journey_table(4_000, folder=tmp_path) == file
    assert file.stat().st_mtime_ns == made


def test_a_table_is_described(tmp_path):
    file = tmp_path / "paths.parquet"
    pl.DataFrame(
        {"path": ["a > b > a", "b"], "conversions": [2, 0], "value": [3.0, 0.0], "nulls": [1, 5]}
    ).write_parquet(file)
    assert about(file) == {
        "paths": 2, "touches": 4, "longest": 3, "channels": 2, "journeys": 8, "all_touches": 14,
    }  # fmt: skip


def test_touches_are_journeys_with_times():
    touchpoints, conversions = make_touches(20_000, seed=3)
    again = make_touches(20_000, seed=3)
    assert touchpoints.equals(again[0])
    assert conversions.equals(again[1])
    assert len(touchpoints) == pytest.approx(20_000, rel=0.05)
    users = touchpoints["user_id"].n_unique()
    assert users == 5_000
    assert len(conversions) == pytest.approx(users / 10, rel=0.2)
    assert set(touchpoints["channel"]) == set(CHANNELS)
    last = touchpoints.group_by("user_id").agg(pl.col("touched_at").max())
    joined = conversions.join(last, on="user_id", how="left")
    assert (joined["converted_at"] >= joined["touched_at"]).all()
    assert touchpoints["touched_at"].is_sorted()
