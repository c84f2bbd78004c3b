"""The asset of the comparison."""

from lydite.reporting.display_names import model_label
from tests.dagster.conftest import MODELS


def test_the_comparison_is_shown_as_a_table(run):
    shown = run.metadata("mart/model_comparison")["comparison"]
    assert "| rank |" in shown.splitlines()[0]
    assert all(f"| {model_label(model)} |" in shown for model in MODELS)


def test_columns_are_described(run):
    schema = run.metadata("mart/model_comparison")["dagster/column_schema"]
    assert all(column.description for column in schema.columns)
