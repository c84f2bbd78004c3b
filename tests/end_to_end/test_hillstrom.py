"""Hillstrom's e-mail experiment: 64,000 customers drawn for men's e-mail, women's e-mail or none.

The data is not in this repository. The test reads ``hillstrom.csv.gz`` in the folder that the
environment variable ``LYDITE_REFERENCE`` names, or in ``../shared/reference``.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import lydite

pytest.importorskip("tea_tasting")

FOLDER = Path(
    os.environ.get("LYDITE_REFERENCE", Path(__file__).parents[3] / "shared" / "reference")
)
FILE = FOLDER / "hillstrom.csv.gz"
SENT = datetime(2026, 1, 1)
ARMS = {"Mens E-Mail": "mens", "Womens E-Mail": "womens", "No E-Mail": "control"}
PLAN = {
    "channel": "email", "arms": ["control", "mens", "womens"], "outcome": "visit",
    "hypothesis": "E-mail brings visits.", "window": "14d", "smallest_effect": 0.05,
    "planned_users": 64_000,
}  # fmt: skip
#: E-mail less no e-mail, and 1.96 standard errors, as published.
FIGURES = {
    ("mens", "visit", "rate"): (0.07659, 0.00664),
    ("mens", "conversion", "rate"): (0.006805, 0.001805),
    ("mens", "conversion", "value"): (0.7698, 0.2847),
    ("womens", "visit", "rate"): (0.04523, 0.00634),
    ("womens", "conversion", "rate"): (0.003111, 0.001612),
    ("womens", "conversion", "value"): (0.4244, 0.2555),
}


@pytest.fixture(scope="module")
def found():
    if not FILE.exists():
        pytest.skip(f"needs {FILE}: set LYDITE_REFERENCE to the folder of hillstrom.csv.gz")
    rows = pl.read_csv(FILE, infer_schema_length=None).with_row_index("user_id")
    assignments = rows.select(
        "user_id",
        experiment=pl.lit("email"),
        arm=pl.col("segment").replace_strict(ARMS),
        assigned_at=pl.lit(SENT),
    )
    no_value = pl.lit(None, dtype=pl.Float64)
    conversions = pl.concat(
        rows.filter(pl.col(outcome) == 1).select(
            "user_id",
            converted_at=pl.lit(SENT + timedelta(days=1)),
            outcome=pl.lit(outcome),
            value=value,
        )
        for outcome, value in (("visit", no_value), ("conversion", pl.col("spend")))
    )
    return lydite.read_experiment(
        PLAN, conversions, assignments, name="email", as_of=SENT + timedelta(days=14)
    )


@pytest.mark.parametrize("key", FIGURES, ids=" ".join)
def test_the_differences_are_those_that_were_published(found, key):
    arm, outcome, metric = key
    [row] = found.table.filter(arm=arm, outcome=outcome, metric=metric).iter_rows(named=True)
    difference, error = FIGURES[key]
    digits = len(str(difference).split(".")[1])
    assert round(row["difference"], digits) == difference
    assert row["difference_high"] - row["difference"] == pytest.approx(error, rel=1e-3)


def test_the_randomisation_passes_and_every_difference_is_higher(found):
    assert found.may_read == "fixed"
    checks = dict(found.checks.select("check_name", "status").iter_rows())
    assert checks["sample_ratio"] == "passed"
    assert set(found.table["verdict"].drop_nulls()) == {"higher"}
