"""Tables that only grow: a row for each change, with its number and time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lydite.engine import DuckDBEngine


def append_changes(engine: DuckDBEngine, table: str, current: str, changed: str) -> None:
    """Append rows to a table, with the next numbers and the time.

    A table that an earlier version wrote gets the columns that it lacks.

    Parameters
    ----------
    table
        The table; it is created if there is none.
    current
        A select with the columns of the rows.
    changed
        A select of the rows to append, which may read the table.
    """
    empty = "cast(null as bigint) as number, cast(null as timestamp) as recorded_at"
    if not engine.exists(table):
        engine.create(table, f"select {empty}, rows.* from ({current}) as rows where false")
    known = engine.columns(table)
    for column, kind in engine.columns(f"({current})").items():
        if column not in known:
            engine.run(f'alter table {table} add column "{column}" {kind}')
    parameters = {
        "last": engine.scalar(f"select coalesce(max(number), 0) from {table}"),
        "now": datetime.now(UTC).replace(tzinfo=None),
    }
    numbered = "$last + row_number() over () as number, cast($now as timestamp) as recorded_at"
    engine.append(table, f"select {numbered}, rows.* from ({changed}) as rows", parameters)
