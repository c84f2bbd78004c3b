"""The assets of the marts."""

import pytest

from lydite import pipeline


@pytest.mark.parametrize("mart", pipeline.MARTS)
def test_every_column_of_a_mart_is_described(run, mart):
    schema = run.metadata(f"mart/{mart}")["dagster/column_schema"]
    assert schema.columns
    assert [column.name for column in schema.columns if not column.description] == []
