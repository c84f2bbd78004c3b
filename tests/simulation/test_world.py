"""Writing a world: reproducible bytes, all files or none."""

from __future__ import annotations

import json

import polars as pl
import pytest

from lydite.simulation import simulate
from lydite.simulation import world as world_module

FILES = {
    "touchpoints.parquet",
    "conversions.parquet",
    "spend.parquet",
    "users.parquet",
    "truth.json",
}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("name", ["linear", "hazard", "storefront"])
def test_the_same_world_gives_the_same_bytes(name, tmp_path):
    simulate(name, users=300, seed=8).write(tmp_path / "a")
    simulate(name, users=300, seed=8).write(tmp_path / "b")
    simulate(name, users=300, seed=9).write(tmp_path / "c")
    first, again, other = (contents(tmp_path / folder) for folder in "abc")
    assert set(first) == FILES
    assert first == again
    for file in FILES - {"spend.parquet"}:
        assert first[file] != other[file]


def test_files_contain_the_tables_and_the_truth(tmp_path):
    world = simulate("markov_2", users=300, seed=8)
    assert world.write(str(tmp_path / "deep" / "folder")) == tmp_path / "deep" / "folder"
    for table in ("touchpoints", "conversions", "spend", "users"):
        stored = pl.read_parquet(tmp_path / "deep" / "folder" / f"{table}.parquet")
        assert stored.equals(getattr(world, table))
    truth = json.loads((tmp_path / "deep" / "folder" / "truth.json").read_text())
    assert list(truth) == sorted(truth)
    assert truth["world"] == "markov_2"
    assert truth["parameters"] == world.truth["parameters"]


def test_a_failure_keeps_the_existing_files(tmp_path, monkeypatch):
    simulate("null", users=50, seed=1).write(tmp_path)
    before = contents(tmp_path)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(world_module, "_write_truth", fail)
    with pytest.raises(OSError, match="disk full"):
        simulate("null", users=50, seed=2).write(tmp_path)
    assert contents(tmp_path) == before
