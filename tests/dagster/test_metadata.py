"""The metadata of a table: rows, columns with descriptions, small tables as Markdown."""

from __future__ import annotations

import dagster as dg

from lydite.dagster.metadata import markdown, materialized, table_metadata
from lydite.engine import DuckDBEngine
from lydite.reporting.display_names import model_label


def test_a_table_has_a_row_count_and_columns_with_their_comments():
    with DuckDBEngine() as engine:
        engine.run("create schema s")
        engine.run("create table s.t as select i, i / 2 as half from range(3) r(i)")
        engine.run("comment on column s.t.half is 'one half'")
        found = table_metadata(engine, "s.t")
    assert found["dagster/table_name"] == "s.t"
    assert found["dagster/row_count"] == 3
    columns = found["dagster/column_schema"].columns
    assert [(c.name, c.type, c.description) for c in columns] == [
        ("i", "BIGINT", None), ("half", "DOUBLE", "one half"),
    ]  # fmt: skip


def test_a_column_without_a_comment_is_described_by_the_sql_file():
    with DuckDBEngine() as engine:
        engine.run("create schema s")
        engine.run("create table s.t (outcome varchar)")
        found = table_metadata(engine, "s.t", "evaluation/landmarks")
    [column] = found["dagster/column_schema"].columns
    assert column.description


def test_the_result_of_an_asset_has_its_key_and_further_metadata():
    key = dg.AssetKey(["shop", "s", "t"])
    with DuckDBEngine() as engine:
        engine.run("create schema s")
        engine.run("create table s.t (i int)")
        result = materialized(key, engine, "s.t", more={"source": "x"})
    assert result.asset_key == key
    assert result.metadata["dagster/row_count"] == 0
    assert result.metadata["source"] == "x"


def test_a_small_table_is_shown_as_markdown():
    with DuckDBEngine() as engine:
        shown = markdown(engine, "select 'a|b' as name, 1 / 3.0::double as share, null as note")
    assert shown.value == "| name | share | note |\n| --- | --- | --- |\n| a\\|b | 0.3333 |  |"


def test_names_for_readers_stand_in_the_table():
    with DuckDBEngine() as engine:
        shown = markdown(
            engine, "select 'markov_2' as model, null as by", {"model": model_label, "by": str}
        )
    assert shown.value.splitlines()[2] == "| Markov chain, 2 steps |  |"
