"""The assets of credit."""

import polars as pl

from tests.dagster.conftest import MODELS


def test_every_touch_of_a_conversion_has_the_credit_of_every_model(run):
    schema = run.metadata("credit/touch_credit")["dagster/column_schema"]
    assert set(MODELS) <= {column.name for column in schema.columns}


def test_credit_by_day_covers_the_days_with_conversions(run):
    metadata = run.metadata("credit/daily")
    converted = pl.read_parquet(run.folder / "conversions.parquet")
    days = converted["converted_at"].dt.date().n_unique()
    assert metadata["dagster/row_count"] >= days
