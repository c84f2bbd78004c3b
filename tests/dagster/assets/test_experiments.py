"""The assets of experiments."""

import pytest

pytest.importorskip("tea_tasting")


def test_the_arms_are_shown_as_a_table(run):
    shown = run.metadata("mart/experiments")["experiments"]
    assert "| subject" in shown
    assert "question" in shown


def test_columns_are_described(run):
    schema = run.metadata("mart/experiment_checks")["dagster/column_schema"]
    assert all(column.description for column in schema.columns)
