"""The columns that the columns of marts are computed from."""

from __future__ import annotations

from lydite.dagster.column_lineage import read_lineage

SCHEMA = {
    "credit": {"daily": {"channel_key": "bigint", "credit": "double"}},
    "journeys": {"channels": {"channel_key": "bigint", "channel": "varchar"}},
}


def test_columns_are_followed_through_joins_and_with_clauses():
    sql = """
    with sums as (select channel_key, sum(credit) as total from credit.daily group by all)
    select channel, total / 2 as half, 1 as one
    from sums inner join journeys.channels as channels using (channel_key)
    """
    assert read_lineage(sql, SCHEMA) == {
        "channel": [("journeys.channels", "channel")],
        "half": [("credit.daily", "credit")],
        "one": [],
    }


def test_sql_that_is_not_understood_has_no_lineage():
    assert read_lineage("select from where", SCHEMA) == {}


def test_marts_have_the_lineage_of_their_columns(run):
    deps = run.metadata("mart/credit_daily")["dagster/column_lineage"].deps_by_column
    [channel] = [dep for dep in deps["channel"] if dep.asset_key.path[-1] == "channels"]
    assert channel.asset_key.path == ["shop", "journeys", "channels"]
    assert channel.column_name == "channel"
