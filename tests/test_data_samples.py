"""Sample data equal the output of their documented command."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from lydite.simulation import simulate

SAMPLES = Path(__file__).parents[1] / "data_samples"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Path:
    world = simulate("storefront", users=20_000, seed=7, experiments=True)
    return world.write(tmp_path_factory.mktemp("samples"))


@pytest.mark.parametrize("table", ["touchpoints", "conversions", "spend", "users", "experiments"])
def test_tables_equal_the_simulation(simulated, table):
    # Rows, not bytes: another release of the writer may store the same rows differently.
    stored = pl.read_parquet(SAMPLES / f"{table}.parquet")
    assert stored.equals(pl.read_parquet(simulated / f"{table}.parquet"))


def test_the_truth_equals_the_simulation(simulated):
    stored = json.loads((SAMPLES / "truth.json").read_text())
    assert stored == json.loads((simulated / "truth.json").read_text())


def test_samples_are_small():
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 6_000_000
