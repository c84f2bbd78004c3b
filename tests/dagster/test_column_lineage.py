"""The columns that the columns of marts are computed from."""

from __future__ import annotations

from lydite.dagster import column_lineage
from lydite.dagster.column_lineage import KEPT, read_lineage
from lydite.engine import DuckDBEngine

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


def test_the_lineage_of_a_file_is_read_again_when_columns_change(monkeypatch):
    read, plain = [], read_lineage

    def noted(sql, schema):
        read.append(schema)
        return plain(sql, schema)

    monkeypatch.setattr(column_lineage, "read_lineage", noted)
    with DuckDBEngine() as engine:
        schema = {"credit": {"removal_effects": dict.fromkeys(("outcome", "model", "x"), "int")}}
        found = [
            column_lineage._kept_lineage(engine, "marts/removal_effects", one)
            for one in (schema, schema, SCHEMA, SCHEMA)
        ]
        assert engine.scalar(f"select count(*) from {KEPT}") == 1
    assert read == [schema, SCHEMA]
    assert found[0] == found[1]
    assert found[0]["outcome"] == [("credit.removal_effects", "outcome")]
    assert found[2] == found[3]


def test_marts_have_the_lineage_of_their_columns(run):
    deps = run.metadata("mart/credit_daily")["dagster/column_lineage"].deps_by_column
    [channel] = [dep for dep in deps["channel"] if dep.asset_key.path[-1] == "channels"]
    assert channel.asset_key.path == ["shop", "journeys", "channels"]
    assert channel.column_name == "channel"
