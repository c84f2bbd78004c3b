"""Small input tables for tests, written as lists of tuples."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lydite.engine import DuckDBEngine

    Rows = Iterable[tuple[object, ...]]

COLUMNS = {
    "touchpoints": {
        "user_id": "varchar",
        "touched_at": "timestamp",
        "channel": "varchar",
        "campaign": "varchar",
        "interaction": "varchar",
        "cost": "double",
        "touchpoint_id": "varchar",
    },
    "conversions": {
        "user_id": "varchar",
        "converted_at": "timestamp",
        "outcome": "varchar",
        "value": "double",
        "conversion_id": "varchar",
    },
    "spend": {"date": "date", "channel": "varchar", "campaign": "varchar", "cost": "double"},
    "users": {"user_id": "varchar"},
    "identities": {"anonymous_id": "varchar", "user_id": "varchar", "seen_at": "timestamp"},
    "erasures": {"user_id": "varchar"},
    "experiments": {
        "experiment": "varchar",
        "user_id": "varchar",
        "arm": "varchar",
        "assigned_at": "timestamp",
    },
}
DEFAULTS = {"outcome": "conversion"}


def make_inputs(
    engine: DuckDBEngine,
    touchpoints: Rows = (),
    conversions: Rows = (),
    spend: Rows = (),
    users: Rows = (),
    identities: Rows = (),
    experiments: Rows = (),
) -> None:
    """Make the input tables; a tuple may stop early, and what it leaves out is unknown.

    Parameters
    ----------
    engine
        Where the tables of schema ``inputs`` are made or replaced.
    touchpoints
        ``(user_id, touched_at, channel, campaign, interaction, cost, touchpoint_id)``
    conversions
        ``(user_id, converted_at, outcome, value, conversion_id)``; left out, the outcome is
        ``conversion``
    spend
        ``(date, channel, campaign, cost)``
    users
        ``(user_id,)``
    identities
        ``(anonymous_id, user_id, seen_at)``
    experiments
        ``(experiment, user_id, arm, assigned_at)``
    """
    tables = {
        "touchpoints": touchpoints,
        "conversions": conversions,
        "spend": spend,
        "users": users,
        "identities": identities,
        "erasures": (),
        "experiments": experiments,
    }
    for table, rows in tables.items():
        _make_table(engine, table, [_completed(row, table) for row in rows])


def _make_table(engine: DuckDBEngine, table: str, rows: list[list[object]]) -> None:
    columns = COLUMNS[table]
    types = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items())
    engine.create(f"inputs.{table}", f"select {types} limit 0")
    if rows:
        row = f"({', '.join('?' * len(columns))})"
        engine.connection.execute(
            f"insert into inputs.{table} values {', '.join([row] * len(rows))}",
            [value for values in rows for value in values],
        )


def _completed(row: tuple[object, ...], table: str) -> list[object]:
    left_out = list(COLUMNS[table])[len(row) :]
    return [*row, *(DEFAULTS.get(column) for column in left_out)]
