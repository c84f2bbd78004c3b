"""The tables that a select reads, as DuckDB parses it."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING

import duckdb

from lydite.engine.duckdb import first_row
from lydite.engine.sql_files import resolve_sql

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def tables_in(sql: str) -> frozenset[str]:
    """Return the tables (``schema.name``) that a select reads, as DuckDB parses it.

    Parameters
    ----------
    sql
        The select, or the name of a SQL file.

    Examples
    --------
    >>> sorted(tables_in("with a as (from journeys.users) from a join mart.paths using (b)"))
    ['journeys.users', 'mart.paths']
    """
    row = first_row(_parser(), "select json_serialize_sql($1)", [resolve_sql(sql)])
    return frozenset(_tables(json.loads(row[0]))) if row else frozenset()


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _tables(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for part in node:
            yield from _tables(part)
    elif isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and node["schema_name"]:
            yield f"{node['schema_name']}.{node['table_name']}"
        for part in node.values():
            yield from _tables(part)
