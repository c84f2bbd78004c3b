"""Tables that only grow."""

from __future__ import annotations

from lydite.engine import DuckDBEngine
from lydite.engine.changes import append_changes


def test_rows_are_numbered_and_older_tables_get_new_columns():
    with DuckDBEngine() as engine:
        append_changes(engine, "decisions.t", "select 1 as a", "select unnest([1, 2]) as a")
        append_changes(engine, "decisions.t", "select 1 as a", "select 3 as a where false")
        select = "select 4 as a, 'x' as b"
        append_changes(engine, "decisions.t", select, select)
        rows = engine.rows("select number, a, b, recorded_at is not null from decisions.t")
    assert rows == [(1, 1, None, True), (2, 2, None, True), (3, 4, "x", True)]
