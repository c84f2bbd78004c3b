"""Loads sources into clean typed tables, and sets bad rows aside, counted and with a reason."""

from __future__ import annotations

import contextlib
import difflib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lydite.engine import DuckDBEngine, SparkEngine, load_sql
from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.inputs import sources, spark_sources
from lydite.inputs.casting import match_columns, projection, segments_of
from lydite.inputs.schema import REASONS, TABLES, Table
from lydite.inputs.source_rows import nothing, reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lydite.engine import Engine
    from lydite.inputs.source_rows import Relation
    from lydite.inputs.sources import Source


@dataclass(frozen=True)
class TableReport:
    """What became of the rows of one table: all of them are counted somewhere.

    Parameters
    ----------
    table
        The input tables.
    rows
        Rows accepted.
    bad
        Rows set aside in ``quarantine.<table>``, by reason; the most frequent first.
    duplicates
        Rows equal to an accepted one, which counts once. Touchpoints are merged later, with the
        journeys.
    """

    table: str
    rows: int
    bad: dict[str, int]
    duplicates: int = 0

    @property
    def read(self) -> int:
        """Rows that the source had."""
        return self.rows + sum(self.bad.values()) + self.duplicates

    @property
    def bad_share(self) -> float:
        """Share of the rows read that were set aside; 0 for an empty table."""
        return sum(self.bad.values()) / self.read if self.read else 0.0


@dataclass(frozen=True)
class Quarantine:
    """What became of the rows of all tables.

    Parameters
    ----------
    tables
        One report per input tables, by name.
    """

    tables: dict[str, TableReport]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Rows set aside, by table and reason; only tables that have any."""
        return {name: report.bad for name, report in self.tables.items() if report.bad}


def load(
    engine: Engine,
    sources: Mapping[str, Source | None],
    *,
    now: datetime | None = None,
    keep_raw: bool = False,
) -> Quarantine:
    """Replace the tables of the schemas ``inputs`` and ``quarantine`` by what the sources hold.

    All or nothing: after an error, the tables are as they were.

    Parameters
    ----------
    engine
        Where the tables go.
    sources
        A source for each input tables: a path or glob of Parquet, CSV or JSON files, a `.sql`
        file with one select, or a pandas, polars or Arrow frame. On Spark, a path or glob of
        Parquet, a table of its catalog, or a frame of Spark or of these. Spend and users may be
        absent.
    now
        Rows later than this are set aside; the clock's time when None. A time without zone is UTC.
    keep_raw
        Whether to keep the rows as read, as tables of the schema ``raw``.

    Returns
    -------
    Quarantine
        How many rows were accepted, set aside and merged.

    Raises
    ------
    InputError
        When a source as a whole cannot be used, or yields nothing usable for a required table.
    """
    _refuse_unknown(sources)
    moment = _moment(now)
    with contextlib.ExitStack() as stack:
        plans = [
            stack.enter_context(_planned(engine, table, sources.get(name)))
            for name, table in TABLES.items()
        ]
        stack.enter_context(engine.transaction())
        return Quarantine(
            {plan.table.name: _write(engine, plan, moment, keep_raw) for plan in plans}
        )


def load_table(
    engine: Engine,
    name: str,
    source: Source | None,
    *,
    now: datetime | None = None,
    keep_raw: bool = False,
) -> TableReport:
    """Replace one table of the schemas ``inputs`` and ``quarantine``.

    Parameters
    ----------
    engine
        Where the table goes.
    name
        The input tables, such as ``touchpoints``.
    source, now, keep_raw
        As for `load`.

    Returns
    -------
    TableReport
        How many rows were accepted, set aside and merged.

    Raises
    ------
    InputError
        As for `load`.
    """
    _refuse_unknown({name: source})
    with _planned(engine, TABLES[name], source) as plan, engine.transaction():
        return _write(engine, plan, _moment(now), keep_raw)


# --- before anything is written -----------------------------------------------------------------


def _refuse_unknown(sources: Mapping[str, object]) -> None:
    for name in sources:
        if name not in TABLES:
            near = difflib.get_close_matches(name, TABLES, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"there is no input tables {name!r}; the tables are {', '.join(TABLES)}.{hint}"
            )


def _moment(now: datetime | None) -> datetime:
    """Return `now` in UTC, without a zone, as the tables hold times."""
    moment = datetime.now(UTC) if now is None else now
    return moment if moment.tzinfo is None else moment.astimezone(UTC).replace(tzinfo=None)


@dataclass(frozen=True)
class _Plan:
    """A source that passed all checks of the whole, ready to be written."""

    table: Table
    relation: Relation
    select: str  # of raw.<table>


@contextlib.contextmanager
def _planned(engine: Engine, table: Table, source: Source | None) -> Iterator[_Plan]:
    """Open a source and check it as a whole: that there is one, its rows, columns and zones."""
    if source is None and table.required:
        raise InputError(
            f"{table.name}: no source is given. Name a file, a .sql file or a frame for it."
        )
    with _opened(engine, table, source) as relation:
        with reading(engine, relation):
            filled = _filled(engine, table, relation)
            plan = _Plan(table, filled, projection(engine, filled, table))
        yield plan


def _opened(
    engine: Engine, table: Table, source: Source | None
) -> contextlib.AbstractContextManager[Relation]:
    """Open a source in the way of the engine that is to read it."""
    if isinstance(engine, SparkEngine):
        return spark_sources.opened(engine, table, source)
    if isinstance(engine, DuckDBEngine):
        return sources.opened(engine, table, source)
    raise TypeError(f"sources are not known to a {type(engine).__name__}")


def _filled(engine: Engine, table: Table, relation: Relation) -> Relation:
    """Return the relation; without rows, refuse it, or give it the columns of an optional table."""
    if _count(engine, relation.sql):
        return relation
    if table.required:
        raise InputError(
            f"{relation.place}: is empty, it has no rows. Check the export that wrote it."
        )
    return nothing(table, relation.place)


# --- writing ------------------------------------------------------------------------------------


def _write(engine: Engine, plan: _Plan, now: datetime, keep_raw: bool) -> TableReport:
    """Fill ``inputs.<table>`` and ``quarantine.<table>`` by way of ``raw.<table>``."""
    raw = f"raw.{plan.table.name}"
    with reading(engine, plan.relation):
        engine.drop(raw)
        if keep_raw:
            engine.create(raw, plan.select)
        else:
            engine.create_view(raw, plan.select)
        report = _separate(engine, plan.table, plan.relation, now)
    _refuse_if_all_bad(engine, plan.table, plan.relation, report)
    if not keep_raw:
        engine.drop(raw)
    return report


def _separate(engine: Engine, table: Table, relation: Relation, now: datetime) -> TableReport:
    """Put good and bad rows apart; where all rows are good, they are read only once."""
    good, bad = f"inputs.{table.name}", f"quarantine.{table.name}"
    judged = f"from (\n{load_sql(table.sql)}\n) where reason is"
    columns = ("distinct " if table.distinct else "") + _columns(table, relation)
    engine.create(good, f"select {columns}\n{judged} null", {"now": now})
    engine.comment(good, table.sql)
    read, rows = _count(engine, relation.sql), _count(engine, good)
    end = " limit 0" if rows == read else ""
    engine.create(bad, f"select source_row.*, reason\n{judged} not null{end}", {"now": now})
    reasons = dict(
        engine.rows(f"select reason, count(*) from {bad} group by reason order by 2 desc, 1")
    )
    duplicates = read - rows - sum(reasons.values())
    if duplicates and not table.distinct:
        raise InputError(f"{relation.place}: changed while it was read. Load it again.")
    return TableReport(table.name, rows, reasons, duplicates)


def _columns(table: Table, relation: Relation) -> str:
    """Return the columns of the loaded table, as a select lists them."""
    names = [column.name for column in table.columns]
    return ", ".join([*names, "segments.*"] if segments_of(relation, table) else names)


def _refuse_if_all_bad(
    engine: Engine, table: Table, relation: Relation, report: TableReport
) -> None:
    """Raise when a required table has no good row: the reason is in the source, not in the rows."""
    if report.rows or not table.required:
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in report.bad.items())
    first = next(iter(report.bad))
    raise InputError(
        f"{relation.place}: none of its {report.read} rows can be used: {reasons}"
        f"{_example(engine, table, relation, first)}. Mend: {REASONS[first]}."
    )


def _example(engine: Engine, table: Table, relation: Relation, reason: str) -> str:
    """Name a value that was set aside for a reason, where the column has one."""
    matched = match_columns(relation, table)
    source = next(name for column, name in matched.items() if reason.endswith(column))
    name = quote_identifier(source)
    value = engine.scalar(
        f"select any_value(cast({name} as varchar)) from quarantine.{table.name}"
        " where reason = $reason",
        {"reason": reason},
    )
    return "" if value is None else f" (such as {source} = {value!r})"


def _count(engine: Engine, relation: str) -> int:
    return int(engine.scalar(f"select count(*) from {relation}"))
