"""Which columns the columns of a mart are computed from, read from its SQL file."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

import dagster as dg
import polars as pl
from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.lineage import Node, lineage
from sqlglot.optimizer.qualify import qualify
from sqlglot.optimizer.scope import Scope, build_scope
from sqlglot.schema import MappingSchema

from lydite.dagster.metadata import Metadata
from lydite.dagster.specs import SpecFactory
from lydite.engine import DuckDBEngine
from lydite.engine.sql_files import load_sql
from lydite.engine.table_names import tables_in
from lydite.pipeline.unchanged import code_digest

#: The lineage that was read from each SQL file, which a warehouse keeps: parsing takes longer than
#: all else about small tables.
KEPT = "quality.column_lineage"
_DIALECT = "duckdb"
Schema = dict[str, Any]


def lineage_metadata(specs: SpecFactory, engine: DuckDBEngine, table: str, file: str) -> Metadata:
    """Return the metadata with the lineage of the columns of a table.

    Columns of tables that are no assets are left out.

    Parameters
    ----------
    specs
        Knows which assets the table is made from.
    engine
        Holds the tables that the file reads.
    table
        Name of the table (``schema.name``).
    file
        Its SQL file.
    """
    schema: Schema = {}
    for name in sorted(tables_in(file)):
        if engine.exists(name):
            schema.setdefault(name.split(".")[0], {})[name.split(".")[1]] = engine.columns(name)
    parents = set(specs.parents(table))
    deps = {
        column: [
            dg.TableColumnDep(specs.key(source), name)
            for source, name in found
            if source in parents
        ]
        for column, found in _kept_lineage(engine, file, schema).items()
    }
    return {"dagster/column_lineage": dg.TableColumnLineage(deps)} if any(deps.values()) else {}


def _kept_lineage(
    engine: DuckDBEngine, file: str, schema: Schema
) -> Mapping[str, list[tuple[str, str]]]:
    """Return the lineage of a file as it was kept, or else read and keep it."""
    parts = [version("sqlglot"), code_digest(), json.dumps(schema)]
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    if engine.exists(KEPT):
        kept = engine.rows(
            f"select lineage from {KEPT} where file = $file and digest = $digest",
            {"file": file, "digest": digest},
        )
        for (lineage_of_file,) in kept:
            return {
                name: [(table, column) for table, column in found]
                for name, found in json.loads(lineage_of_file).items()
            }
        engine.run(f"delete from {KEPT} where file = $file", {"file": file})
    found = _read(load_sql(file), json.dumps(schema))
    row = pl.DataFrame({"file": [file], "digest": [digest], "lineage": [json.dumps(found)]})
    with engine.registered(row) as frame:
        engine.append(KEPT, f"from {frame}")
    return found


@cache  # a process may run several projects
def _read(sql: str, schema: str) -> Mapping[str, list[tuple[str, str]]]:
    return read_lineage(sql, json.loads(schema))


def read_lineage(sql: str, schema: Schema) -> Mapping[str, list[tuple[str, str]]]:
    """Return the tables and columns that each column of a select is computed from.

    Parameters
    ----------
    sql
        The select.
    schema
        The types of the columns that it may read, by schema, table and name.

    Examples
    --------
    >>> columns = {"mart": {"paths": {"conversions": "bigint", "path": "varchar"}}}
    >>> read_lineage("select path, 2 * conversions as twice from mart.paths", columns)
    {'path': [('mart.paths', 'path')], 'twice': [('mart.paths', 'conversions')]}
    """
    tables = MappingSchema(schema, dialect=_DIALECT)
    try:
        select: Any = qualify(
            parse_one(sql, read=_DIALECT),
            dialect=_DIALECT,
            schema=tables,
            validate_qualify_columns=False,
            identify=False,
        )
        scope = build_scope(select)
        if scope is None:
            return {}
        names = [name for name in select.named_selects if name != "*"]
        return {name: sorted(set(_leaves(name, tables, scope))) for name in names}
    except SqlglotError:  # no lineage is better than no table
        return {}


def _leaves(column: str, tables: MappingSchema, scope: Scope) -> Iterator[tuple[str, str]]:
    # By default the whole statement is copied, and at every step once more to be trimmed.
    node: Node = lineage(
        column,
        scope.expression,
        tables,
        dialect=_DIALECT,
        scope=scope,
        trim_selects=False,
        copy=False,
    )
    for leaf in node.walk():
        if isinstance(leaf.expression, exp.Table):
            table = leaf.expression
            yield f"{table.db}.{table.name}", leaf.name.rpartition(".")[2].strip('"')
