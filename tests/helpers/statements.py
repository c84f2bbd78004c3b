"""What the SQL statements of a run read and write, as sqlglot parses them."""

from __future__ import annotations

import contextlib
import re
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import sqlglot
from sqlglot import exp

from lydite.dagster.specs import SpecFactory
from lydite.engine import DuckDBEngine
from lydite.engine.sql_files import resolve_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

_NO_ROWS = re.compile(
    r"\s*(set|comment|create schema|begin|commit|rollback|describe|drop|attach|detach"
    r"|create or replace temp macro)\b",
    re.IGNORECASE,
)
_OTHER_DATABASE = re.compile(r"\s*use\s+(\w+|\"\w+\")", re.IGNORECASE)
_RECORDED = ("rows", "_arrow", "fetch_numpy")


@dataclass
class Statements:
    """The statements of every step of a run, in their order."""

    found: list[tuple[str, str]] = field(default_factory=list)

    def tables(self) -> Tables:
        """Return what they read and write in the main database."""
        tables, elsewhere, parsed = Tables(), False, set()
        for step, sql in self.found:
            used = _OTHER_DATABASE.match(sql)
            if used:
                elsewhere = used[1].startswith("lydite_")
            if used or elsewhere or _NO_ROWS.match(sql) or (step, sql) in parsed:
                continue
            parsed.add((step, sql))
            tables.add(step, sqlglot.parse_one(sql, read="duckdb"))
        return tables


@dataclass
class Tables:
    """The tables (``schema.name``) that steps read and write, and what each one is made from."""

    read: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    written_by: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    made_from: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    from_frames: set[str] = field(default_factory=set)

    def add(self, step: str, statement: exp.Expression) -> None:
        """Add a statement of a step."""
        target, rows = None, statement
        if isinstance(statement, exp.Create | exp.Insert):
            named = statement.this
            target = _name(named.this if isinstance(named, exp.Schema) else named)
            rows = statement.expression
        tables = list(rows.find_all(exp.Table)) if rows is not None else []
        read = {name for table in tables if (name := _name(table)) is not None}
        if isinstance(statement, exp.Delete | exp.Update):
            read = set()
        if target is not None:
            self.written_by[target].add(step)
            self.made_from[target] |= read - {target}
            if any(table.name == "registered_frame" for table in tables):
                self.from_frames.add(target)
        if not (isinstance(statement, exp.Create) and statement.kind == "VIEW"):
            self.read[step] |= read - {target}


def _name(table: exp.Expression) -> str | None:
    if not isinstance(table, exp.Table) or table.db in {"", "information_schema", "temp", "main"}:
        return None
    return f"{table.catalog}.{table.db}.{table.name}".lstrip(".")


@contextlib.contextmanager
def recorded_statements() -> Iterator[Statements]:
    """Record the statements of all steps that run in the block."""
    statements, step = Statements(), ""
    engine_of = SpecFactory.engine

    def engine(specs: SpecFactory, context: Any) -> Any:
        nonlocal step
        step = context.op_execution_context.op_handle.name
        return engine_of(specs, context)

    def recording(name: str) -> Any:
        execute = getattr(DuckDBEngine, name)

        def run(self: DuckDBEngine, sql: str, *values: Any, **options: Any) -> Any:
            statements.found.append((step, resolve_sql(sql)))
            return execute(self, sql, *values, **options)

        return run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SpecFactory, "engine", engine)
        for name in _RECORDED:
            patch.setattr(DuckDBEngine, name, recording(name))
        yield statements
