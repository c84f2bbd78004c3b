"""The asset of the comparison."""

import duckdb

from lydite.reporting.display_names import model_label
from tests.dagster.conftest import MODELS


def test_the_comparison_is_shown_as_a_table(run):
    shown = run.metadata("mart/model_comparison")["comparison"]
    assert "| rank |" in shown.splitlines()[0]
    assert all(f"| {model_label(model)} |" in shown for model in MODELS)


def test_columns_are_described(run):
    schema = run.metadata("mart/model_comparison")["dagster/column_schema"]
    assert all(column.description for column in schema.columns)


def test_other_lookbacks_are_in_the_published_file(run):
    with duckdb.connect(str(run.folder / "var/attribution.duckdb"), read_only=True) as reader:
        rows = reader.sql(
            "select lookback, is_main, count(*) from lookback_comparison group by all order by 2"
        ).fetchall()
    assert rows == [("3d", False, len(MODELS)), ("7d", True, len(MODELS))]
