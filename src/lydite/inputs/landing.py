"""Keeps the rows of a PostgreSQL select, so that a run reads only rows since the last ones."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lydite.engine.duckdb import quote_identifier, quote_literal
from lydite.errors import InputError
from lydite.inputs import postgres
from lydite.inputs.source_rows import Relation

if TYPE_CHECKING:
    import pyarrow as pa

    from lydite.engine import DuckDBEngine
    from lydite.settings import DatabaseSource

_NEW = "temp.lydite_landing"
_COMMENT = """
select comment from duckdb_tables()
where database_name = current_database() and schema_name = 'landing' and table_name = $name
"""


def refresh(
    engine: DuckDBEngine, place: str, name: str, source: DatabaseSource, select: str
) -> Relation:
    """Bring ``landing.<name>`` up to date with a select in PostgreSQL, and return its rows.

    Rows from `look_back` before the last watermark on are read again, and rows without a
    watermark. They replace the rows that were read before in that range or, with a key, have the
    same key. Everything is read if the select, its database or its columns changed.

    Parameters
    ----------
    engine
        A DuckDB file, which keeps the rows from run to run.
    place
        Table and source for messages.
    name
        Name of the input table.
    source
        The database, the watermark, the look-back and the key.
    select
        The text of the select.

    Raises
    ------
    InputError
        When the rows cannot be read, or there is no such watermark or key. The rows that were
        read before stay.
    """
    table, version = f"landing.{name}", _version(source, select)
    if engine.scalar(_COMMENT, {"name": name}) == version:
        since = _since(engine, table, source)
        if since is not None and _append(engine, place, table, source, select, since):
            return Relation(place, table, engine.columns(table))
    with postgres.reader(place, source.database, select) as rows, engine.registered(rows) as given:
        _check_columns(place, rows.schema, source)
        with engine.transaction():
            engine.create(table, f"select {postgres.columns_of(rows.schema)} from {given}")
            engine.run(f"comment on table {table} is {quote_literal(version)}")
    return Relation(place, table, engine.columns(table))


def _version(source: DatabaseSource, select: str) -> str:
    """Return a text that differs where the kept rows cannot be used."""
    parts = (select, source.database, source.watermark or "", source.key or "")
    return f"rows of {hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:16]}"


def _since(engine: DuckDBEngine, table: str, source: DatabaseSource) -> str | None:
    """Return the time from which rows are read again, in SQL; None to read all.

    Watermarks in the future do not count: after one of these, no row would ever be read again.
    """
    name = quote_identifier(source.watermark or "")
    last = engine.scalar(
        f"select max({name}) from {table} where {name} <= $now", {"now": datetime.now(UTC)}
    )
    if last is None:
        return None
    start = engine.scalar(
        "select strftime($last - $look_back, '%Y-%m-%d %H:%M:%S.%f')",
        {"last": last, "look_back": source.look_back},
    )
    zoned = engine.columns(table)[source.watermark or ""].endswith("WITH TIME ZONE")
    return f"timestamptz '{start}+00'" if zoned else f"timestamp '{start}'"


def _append(
    engine: DuckDBEngine, place: str, table: str, source: DatabaseSource, select: str, since: str
) -> bool:
    """Replace the rows since a time by those in the database; return False if columns changed."""
    name = quote_identifier(source.watermark or "")
    window = f"where {name} >= {since} or {name} is null"
    with (
        postgres.reader(place, source.database, select, window) as rows,
        engine.registered(rows) as given,
    ):
        engine.run(
            "create or replace temp table lydite_landing as"
            f" select {postgres.columns_of(rows.schema)} from {given}"
        )
    try:
        if engine.columns(_NEW) != engine.columns(table):
            return False
        with engine.transaction():
            engine.run(f"delete from {table} {window}")
            if source.key is not None:
                key = quote_identifier(source.key)
                engine.run(f"delete from {table} where {key} in (select {key} from {_NEW})")
            engine.run(f"insert into {table} by name from {_NEW}")
    finally:
        engine.run(f"drop table {_NEW}")
    return True


def _check_columns(place: str, schema: pa.Schema, source: DatabaseSource) -> None:
    """Check that the select has the watermark, which must be a time, and the key."""
    for what, name in (("watermark", source.watermark), ("key", source.key)):
        if name is not None and name not in schema.names:
            raise InputError(
                f"{place}: the select has no column {name!r}, the {what}; it has"
                f" {', '.join(schema.names)}. Select it, or name another."
            )
    kind = schema.field(source.watermark).type
    if not str(kind).startswith(("timestamp", "date")):
        raise InputError(
            f"{place}: the watermark {source.watermark!r} is {kind}, not a time. Name a column of"
            " type timestamp, timestamptz or date."
        )
