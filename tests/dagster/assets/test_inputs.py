"""The assets of the input tables: rows accepted and set aside, and the source."""


def test_a_table_says_where_it_comes_from_and_how_many_rows_were_set_aside(run):
    metadata = run.metadata("inputs/touchpoints")
    assert metadata["source"] == "touchpoints.parquet"
    assert metadata["dagster/row_count"] > 600
    assert metadata["set_aside"] == 0
    assert metadata["set_aside_share"] == 0
    assert metadata["reasons"] == {}


def test_a_table_without_a_source_is_empty(run):
    metadata = run.metadata("inputs/spend")
    assert metadata["source"] == "(none)"
    assert metadata["dagster/row_count"] == 0
