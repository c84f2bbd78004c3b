"""Rows of input tables by local day: how many were loaded, and the replacement of some days.

A day of a table is what a load of the whole source would make of it now. After a load of some days,
the rows of all other days are as they were, and rows without a day too.
"""

from __future__ import annotations

import contextlib
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from lydite.engine import DuckDBEngine
from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.inputs.casting import day_of, day_of_source_row
from lydite.inputs.files import FILE_COLUMN
from lydite.inputs.schema import TABLES
from lydite.settings import DatabaseSource

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.engine import Engine
    from lydite.inputs.schema import Table
    from lydite.inputs.source_rows import Relation
    from lydite.inputs.sources import Source

#: Rows that were loaded, and that were merged with others, of them refunds, by table and local day.
LOADED = "quality.days"
_LOADED_COLUMNS = "table_name varchar, day date, rows bigint, merged bigint, refunds bigint"
_WHOLE_FIRST = "Load the whole table once, with the job refresh, and then days of it."


class Days(NamedTuple):
    """Local days from the first to the last, both included."""

    first: date
    last: date

    def contain(self, day: str) -> str:
        """Return the condition that an expression is one of the days."""
        return f"{day} between date '{self.first}' and date '{self.last}'"


def refuse_days(engine: Engine, table: Table) -> DuckDBEngine:
    """Return the engine if it can load days of a table.

    Raises
    ------
    InputError
        When rows of the table have no time, on Spark, or when an earlier version loaded the table.
    """
    if not table.has_time:
        raise InputError(f"{table.name}: its rows have no time: load it all")
    if not isinstance(engine, DuckDBEngine):
        raise InputError("days of an input table are loaded with the engine duckdb only")
    name = f"inputs.{table.name}"
    if engine.exists(name) and not (
        engine.exists(LOADED)
        and engine.exists(f"quarantine.{table.name}")
        and engine.scalar(f"select count(*) from {LOADED} where table_name = '{table.name}'")
    ):
        raise InputError(f"{table.name}: {_WHOLE_FIRST}")
    return engine


def source_of_days(engine: Engine, source: Source | None, days: Days) -> Source | None:
    """Return the source of a load of some days: of a database, rows since then are read again."""
    if not isinstance(source, DatabaseSource):
        return source
    zone = ZoneInfo(engine.local.timezone)
    start = datetime.combine(days.first, time(), zone)
    since = datetime.now(zone) - start + timedelta(days=1)  # a watermark may have another zone
    return source.model_copy(update={"look_back": max(source.look_back, since)})


@contextlib.contextmanager
def replaced_days(
    engine: DuckDBEngine, table: Table, relation: Relation, days: Days
) -> Iterator[None]:
    """Keep the rows of all other days while the block loads the table, in a transaction.

    Raises
    ------
    InputError
        When rows that were set aside have other columns than the source has now.
    """
    tables = [f"inputs.{table.name}", f"quarantine.{table.name}"]
    of_days = [
        days.contain(day_of(table)),
        f"coalesce({days.contain(day_of_source_row(engine, relation, table))}, false)",
    ]
    if not engine.exists(tables[0]):
        yield
        for name, condition in zip(tables, of_days, strict=True):
            engine.run(f"delete from {name} where not ({condition})")
        return
    for name in tables:
        if FILE_COLUMN in engine.columns(name):  # the next whole load reads all files
            engine.run(f"alter table {name} drop column {quote_identifier(FILE_COLUMN)}")
        engine.run(f"alter table {name} rename to {_kept(name)}")
    yield
    for name, condition in zip(tables, of_days, strict=True):
        schema, _, short = name.partition(".")
        kept = f"{schema}.{_kept(name)}"
        if engine.columns(kept) != engine.columns(name):
            raise InputError(
                f"{relation.place}: its columns have changed since the table was loaded."
                f" {_WHOLE_FIRST}"
            )
        engine.run(f"delete from {kept} where {condition}")
        engine.run(f"insert into {kept} by name select * from {name} where {condition}")
        engine.run(f"drop table {name}")
        engine.run(f"alter table {kept} rename to {short}")


def _kept(table: str) -> str:
    return f"other_days_of_{table.partition('.')[2]}"


def count_days(
    engine: DuckDBEngine,
    table: Table,
    relation: Relation,
    refunds: dict[date | None, int],
    days: Days | None,
    *,
    has_merged: bool,
) -> None:
    """Count the rows of the loaded days, or of all.

    Parameters
    ----------
    engine
        Holds the table, its quarantine and ``raw.<table>``.
    refunds
        Refunds by day.
    days
        The loaded days; None for all.
    has_merged
        Whether rows were merged with others.
    """
    engine.run("create schema if not exists quality")
    engine.run(f"create table if not exists {LOADED} ({_LOADED_COLUMNS})")
    day = day_of(table)
    counts = [
        f"select {day} as day, count(*) as rows, 0 as merged from inputs.{table.name} group by all"
    ]
    if days is None:  # says that the whole table was loaded, also if it has no rows
        counts.append("select null as day, 0 as rows, 0 as merged")
    if has_merged:
        aside = day_of_source_row(engine, relation, table)
        for sign, of_row, place in (
            ("", day, f"raw.{table.name}"),
            ("-", day, f"inputs.{table.name}"),
            ("-", aside, f"quarantine.{table.name}"),
        ):
            counts.append(
                f"select {of_row} as day, 0 as rows, {sign}count(*) as merged from {place}"
                " group by all"
            )
    loaded = "true" if days is None else days.contain("day")
    engine.run(f"delete from {LOADED} where table_name = '{table.name}' and {loaded}")
    engine.run(
        f"insert into {LOADED} by name"
        f" select '{table.name}' as table_name, day, sum(rows) as rows, sum(merged) as merged,"
        f" 0 as refunds from ({' union all '.join(counts)}) where {loaded}"
        " group by day having day is null or sum(rows) > 0 or sum(merged) > 0"
    )
    for on, n in refunds.items():
        engine.run(
            f"update {LOADED} set refunds = $n"
            f" where table_name = '{table.name}' and day is not distinct from $day and {loaded}",
            {"n": n, "day": on},
        )


def rows_by_day(engine: Engine, table: str) -> dict[date, int]:
    """Return the rows of an input table by local day, as they were loaded; empty on Spark."""
    local = engine.local
    if not local.exists(LOADED) or not TABLES[table].has_time:
        return {}
    found = local.rows(
        f"select day, rows from {LOADED} where table_name = $name and day is not null order by day",
        {"name": table},
    )
    return dict(found)


def merged_rows(engine: DuckDBEngine, table: str) -> tuple[int, int]:
    """Return how many rows of all loaded days are copies of others, and how many are refunds."""
    [(merged, refunds)] = engine.rows(
        f"select coalesce(sum(merged), 0), coalesce(sum(refunds), 0) from {LOADED}"
        " where table_name = $name",
        {"name": table},
    )
    return int(merged - refunds), int(refunds)
