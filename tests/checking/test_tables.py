"""Summaries of input tables: counts, ranges, frequent values and examples of rows set aside."""

from datetime import datetime

import polars as pl

import lydite
from lydite import pipeline
from lydite.checking.tables import source_name, summarise_tables
from lydite.engine import DuckDBEngine
from lydite.inputs import LoadOptions
from lydite.settings import DatabaseSource, RuleSettings


def summaries(**sources):
    return {table.name: table for table in lydite.check(**sources).tables}


def test_columns_have_ranges_empty_values_and_the_most_frequent_values():
    touches = pl.DataFrame({
        "user_id": ["a", "a", "b", "c"],
        "touched_at": [datetime(2026, 3, day, 9) for day in (1, 2, 3, 4)],
        "channel": ["mail", "mail", "ad", "mail"],
        "campaign": [None, "spring", None, None],
        "cost": [0.5, None, 2.0, None],
    })  # fmt: skip
    orders = pl.DataFrame({"user_id": ["a"], "converted_at": [datetime(2026, 3, 5)]})
    users = pl.DataFrame({"user_id": ["a", "b"], "plan": ["free", None]})
    found = summaries(touchpoints=touches, conversions=orders, users=users)
    columns = {column.name: column for column in found["touchpoints"].columns}
    assert set(columns) == {"user_id", "touched_at", "channel", "campaign", "cost"}
    assert columns["user_id"].distinct == 3
    assert (columns["touched_at"].low, columns["touched_at"].high) == (
        "2026-03-01 09:00:00", "2026-03-04 09:00:00",
    )  # fmt: skip
    assert columns["channel"].top == (("mail", 3), ("ad", 1))
    assert (columns["campaign"].filled, columns["campaign"].nulls) == (1, 3)
    assert (columns["cost"].low, columns["cost"].high) == (0.5, 2.0)
    plan = found["users"].columns[1]
    assert (plan.name, plan.nulls) == ("plan", 1)
    assert ("free", 1) in plan.top


def test_rows_set_aside_have_examples_and_a_fix():
    touches = pl.DataFrame({
        "User_Id": ["a", "b", "c"], "touched_at": ["2026-03-01", "31/3/2026", "soon"],
        "channel": ["mail"] * 3,
    })  # fmt: skip
    orders = pl.DataFrame({
        "user_id": ["a", "a"], "converted_at": [datetime(2026, 3, 5), datetime(2026, 3, 6)],
        "conversion_id": ["order-7", "order-7"],
    })  # fmt: skip
    found = summaries(touchpoints=touches, conversions=orders)
    [times] = found["touchpoints"].set_aside
    assert (times.reason, times.rows) == ("invalid_touched_at", 2)
    assert times.examples == ("31/3/2026", "soon")
    assert "strptime" in times.fix
    [ids] = found["conversions"].set_aside
    assert (ids.reason, ids.rows, ids.examples) == ("repeated_id", 1, ("order-7",))


def test_sources_are_named_without_secrets():
    assert source_name(pl.DataFrame()) == "polars frame"
    assert source_name("https://x.example/a.csv?token=geheim12") == (
        "https://x.example/a.csv?token=***"
    )
    database = DatabaseSource(select="orders.sql", database="shop.duckdb")
    assert source_name(database) == "orders.sql in shop.duckdb"


def test_malformed_lines_have_their_text(tmp_path):
    (tmp_path / "t.csv").write_text(
        "user_id,touched_at,channel\na,2026-03-01,mail\nb,2026-03-02,mail,extra\n"
    )
    orders = pl.DataFrame({"user_id": ["a"], "converted_at": [datetime(2026, 3, 5)]})
    found = summaries(touchpoints=tmp_path / "t.csv", conversions=orders)
    [line] = found["touchpoints"].set_aside
    assert (line.reason, line.rows, line.examples) == (
        "malformed_line", 1, ("b,2026-03-02,mail,extra",),
    )  # fmt: skip


def test_rows_that_break_a_rule_have_users_as_examples():
    touches = pl.DataFrame({
        "user_id": ["ann", "ann", "bob"], "channel": "mail",
        "touched_at": [datetime(2026, 3, 1, 9, 0, second) for second in (0, 1, 0)],
    })  # fmt: skip
    orders = pl.DataFrame({"user_id": ["bob"], "converted_at": [datetime(2026, 3, 5)]})
    rules = {"near_duplicates": RuleSettings(severity="set_aside")}
    with DuckDBEngine() as engine:
        sources = {"touchpoints": touches, "conversions": orders}
        pipeline.load_inputs(engine, sources, LoadOptions(rules=rules))
        found = {table.name: table for table in summarise_tables(engine, sources)}
    [copies] = found["touchpoints"].set_aside
    assert (copies.reason, copies.rows, copies.examples) == ("near_duplicates", 1, ("ann",))
    assert copies.fix.startswith("a touch of the same user")
