"""The assets of journeys and outcomes."""

import polars as pl


def test_the_tables_say_which_users_were_rebuilt(run):
    users = pl.read_parquet(run.folder / "touchpoints.parquet")["user_id"].n_unique()
    metadata = run.metadata("journeys/touches")
    assert metadata["rebuilt"].startswith("all ")
    assert metadata["rebuilt_users"] >= users
    assert metadata["dagster/row_count"] > users


def test_there_is_one_row_per_outcome(run):
    assert run.metadata("evaluation/outcomes")["dagster/row_count"] == 1
