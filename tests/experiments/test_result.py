"""The reading of an experiment as tables, words and plain data."""

from __future__ import annotations

import json
from datetime import datetime

import pandas as pd
import polars as pl

from lydite.engine import DuckDBEngine
from lydite.experiments.reading import read_experiments
from lydite.experiments.readout import COLUMNS, finish_rows
from lydite.experiments.result import ExperimentReading, readings
from tests.experiments.conftest import plan_of
from tests.helpers.input_tables import make_inputs

CHECKS = pl.DataFrame(
    {"experiment": ["email"], "check_name": ["windows"], "status": ["passed"], "text": ["Over."],
     "users": [0], "share": [0.0], "p_value": [None]}
)  # fmt: skip


def reading_of(kind="polars"):
    shared = {"outcome": "purchase", "metric": "rate", "is_primary": True, "users": 100}
    treated = {
        "arm": "treated", "difference": 0.1, "difference_low": 0.05, "difference_high": 0.15,
        "p_value": 0.001,
    }  # fmt: skip
    rows = [shared | {"arm": "control"}, shared | treated]
    found = finish_rows("email", plan_of(), rows, "fixed", datetime(2026, 3, 4))
    return ExperimentReading("email", pl.DataFrame(found, schema=COLUMNS), CHECKS, kind)


def test_tables_are_of_the_kind_that_was_given():
    assert isinstance(reading_of("pandas").table, pd.DataFrame)
    assert isinstance(reading_of().checks, pl.DataFrame)


def test_the_repr_is_a_short_line():
    assert repr(reading_of()) == (
        "ExperimentReading('email': 2 arms, 200 units, may_read='fixed', higher)"
    )


def test_the_verdict_is_that_of_the_primary_outcome():
    assert (
        reading_of()
        .verdict()
        .startswith("purchase rate of treated: higher than in control, +10.00 points")
    )


def test_plain_data_is_json():
    record = json.loads(json.dumps(reading_of().to_dict(), allow_nan=False))
    assert (record["experiment"], record["may_read"]) == ("email", "fixed")
    assert record["readable_on"] == "2026-03-04T00:00:00"
    assert [row["arm"] for row in record["rows"]] == ["control", "treated"]
    assert record["checks"][0]["check_name"] == "windows"


def test_experiments_without_rows_have_checks():
    with DuckDBEngine() as engine:
        make_inputs(engine, [("u", datetime(2026, 1, 1), "email")],
                    [("u", datetime(2026, 1, 1), "purchase")])  # fmt: skip
        read_experiments(engine, {"next": plan_of()})
        [found] = readings(engine)
    assert (found.name, found.may_read, found.readable_on) == ("next", "none", None)
    assert repr(found) == (
        "ExperimentReading('next': 0 arms, 0 units, may_read='none', no verdict)"
    )
    assert found.to_dict()["rows"] == []
