"""Plans of how a source is read: opened, checked, with its columns matched and cast."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lydite.engine import DuckDBEngine, SparkEngine
from lydite.errors import InputError
from lydite.inputs import changed_files, channels, sources, spark_sources
from lydite.inputs.casting import cast_select, match_columns, traffic_columns, zone_of
from lydite.inputs.files import FILE_COLUMN
from lydite.inputs.rules import active_rules
from lydite.inputs.source_rows import empty_relation, read_errors_named

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lydite.engine import Engine
    from lydite.inputs.changed_files import SourceFiles
    from lydite.inputs.days import Days
    from lydite.inputs.load_options import LoadOptions
    from lydite.inputs.rules import Rule
    from lydite.inputs.schema import Table
    from lydite.inputs.source_rows import Relation
    from lydite.inputs.sources import Source
    from lydite.inputs.timezones import Zone
    from lydite.settings import ChannelSettings


@dataclass(frozen=True)
class TableLoad:
    """The load of one table.

    Attributes
    ----------
    engine
        Holds the table.
    table
        The input table.
    options
        How it is loaded, at a fixed time.
    days
        The local days to load; None for all rows.
    """

    engine: Engine
    table: Table
    options: LoadOptions
    days: Days | None = None

    @property
    def rules(self) -> dict[str, Rule]:
        """The rules with the severities and thresholds of the settings."""
        return active_rules(self.options.rules)


@dataclass(frozen=True)
class Plan:
    """A source that can be read and has the required columns.

    Attributes
    ----------
    load
        What is loaded, and how.
    relation
        The source as the engine reads it.
    select
        The select of ``raw.<table>``.
    zone
        What the times say about their zone.
    names
        How channels are named, where they have to be.
    files
        The files of the source, where the table is loaded by file.
    """

    load: TableLoad
    relation: Relation
    select: str
    zone: Zone | None
    names: ChannelSettings | None
    files: SourceFiles | None = None

    @property
    def engine(self) -> Engine:
        """The engine that holds the table."""
        return self.load.engine

    @property
    def table(self) -> Table:
        """The input table."""
        return self.load.table

    @property
    def options(self) -> LoadOptions:
        """How the table is loaded."""
        return self.load.options

    @property
    def days(self) -> Days | None:
        """The local days to load; None for all rows."""
        return self.load.days

    @property
    def has_currency(self) -> bool:
        """Whether the source says the currency of its amounts."""
        return "currency" in match_columns(self.relation, self.table)

    def without_rows(self) -> Plan:
        """Return how the same source would be read if it had no rows."""
        return plan_rows(self.load, changed_files.no_rows(self.relation), self.files)

    def definition(self) -> str | None:
        """Return a digest of how the rows are read; None where that is not by file."""
        if self.files is None:
            return None
        return changed_files.define(
            self.engine, self.table, self.relation, self.select, self.zone
        )  # fmt: skip


@contextlib.contextmanager
def open_plan(load: TableLoad, source: Source | None) -> Iterator[Plan]:
    """Open a source; check that it is given, has rows and the required columns, and its zones.

    Where rows of earlier runs can stay, only the files that have changed are opened.

    Raises
    ------
    InputError
        When the source cannot be used.
    """
    engine, table, options = load.engine, load.table, load.options
    if source is None and table.required:
        raise InputError(f"{table.name}: no source is given. Give a file, a .sql file or a frame.")
    files = None
    if not options.keep_raw and load.days is None:
        files = changed_files.find_source_files(
            engine, table, source, load.rules, options.names, options.currency
        )
    with contextlib.ExitStack() as stack:
        if files is not None and files.whole is None:
            plan = _plan_changed_files(load, stack, source, files)
            if plan is not None:
                yield plan
                return
            stack.close()
            files = files.all("those that have changed are read in another way")
        relation = stack.enter_context(_open(load, source, files))
        with read_errors_named(engine, relation):
            plan = plan_rows(load, _or_empty(load, relation), files)
        yield plan


def _plan_changed_files(
    load: TableLoad, stack: contextlib.ExitStack, source: Source | None, files: SourceFiles
) -> Plan | None:
    """Open the files that have changed; None where all files must be read.

    They must be read as the others were, by the same casts. If rows are removed, nothing about the
    casts may depend on rows, as the removed ones may have decided it.
    """
    known = changed_files.read_definition(load.engine, load.table.name)
    if known is None:
        return None
    nothing = plan_rows(load, known.without_rows(load.table.name), files)
    if known.empty != nothing.definition():
        return None
    if files.replaced and known.empty != known.definition:
        return None
    if not files.numbers:
        return replace(nothing, zone=known.zone)
    try:  # what is wrong with one file may be right for all of them together
        relation = stack.enter_context(_open(load, source, files))
        with read_errors_named(load.engine, relation):
            plan = plan_rows(load, relation, files)
    except InputError:
        return None
    return plan if known.definition == plan.definition() else None


def plan_rows(load: TableLoad, rows: Relation, files: SourceFiles | None) -> Plan:
    """Return the plan of an open source; without files where it cannot be loaded by file."""
    table, options = load.table, load.options
    needed = _names_needed(load, rows)
    if needed is not None or "currency" in match_columns(rows, table):
        rows, files = changed_files.without_numbers(rows), None
    if FILE_COLUMN not in rows.columns:
        files = None
    select = cast_select(load.engine, rows, table, options.ends, names_channels=needed is not None)
    zone = zone_of(load.engine, rows, table, declared=options.timezone is not None)
    return Plan(load, rows, select, zone, needed, files)


def _names_needed(load: TableLoad, relation: Relation) -> ChannelSettings | None:
    """Return the settings where channels have to be named, not only read."""
    names = load.options.names
    if not channels.needs_names(load.table, traffic_columns(relation, load.table), names):
        return None
    if isinstance(load.engine, DuckDBEngine):
        channels.create_macros(load.engine)
    return names


def _open(
    load: TableLoad, source: Source | None, files: SourceFiles | None
) -> contextlib.AbstractContextManager[Relation]:
    """Open a source for the engine that reads it."""
    engine = load.engine
    if isinstance(engine, SparkEngine):
        return spark_sources.open_source(engine, load.table, source)
    if isinstance(engine, DuckDBEngine):
        numbers = None if files is None else files.numbers
        return sources.open_source(engine, load.table, source, numbers)
    raise TypeError(f"no sources are defined for the engine {type(engine).__name__}")


def _or_empty(load: TableLoad, relation: Relation) -> Relation:
    """Return the relation; one without rows is an error, or an empty table where it is optional."""
    if load.engine.scalar(f"select count(*) from {relation.sql}"):
        return relation
    if load.table.required:
        raise InputError(
            f"{relation.place}: is empty, it has no rows. Check the export that wrote it."
        )
    return empty_relation(load.table, relation.place)
