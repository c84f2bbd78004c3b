"""The sample data are what their documented command makes."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from lydite.simulation import simulate

SAMPLES = Path(__file__).parents[1] / "data_samples"


@pytest.fixture(scope="module")
def made_again(tmp_path_factory) -> Path:
    world = simulate("storefront", users=20_000, seed=7)
    return world.write(tmp_path_factory.mktemp("samples"))


@pytest.mark.parametrize("table", ["touchpoints", "conversions", "spend", "users"])
def test_tables_are_made_again(made_again, table):
    # Rows, not bytes: another release of the writer may pack the same rows differently.
    stored = pl.read_parquet(SAMPLES / f"{table}.parquet")
    assert stored.equals(pl.read_parquet(made_again / f"{table}.parquet"))


def test_the_truth_is_made_again(made_again):
    stored = json.loads((SAMPLES / "truth.json").read_text())
    assert stored == json.loads((made_again / "truth.json").read_text())


def test_the_samples_stay_small():
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 6_000_000
