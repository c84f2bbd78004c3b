"""Loads sources into the input tables; bad rows are set aside, with a reason, and counted."""

from __future__ import annotations

import contextlib
import difflib
from typing import TYPE_CHECKING

from lydite.errors import InputError
from lydite.inputs.days import Days, refuse_days, replaced_days, source_of_days
from lydite.inputs.load_options import LoadOptions
from lydite.inputs.plans import TableLoad, open_plan
from lydite.inputs.reports import Quarantine, TableReport
from lydite.inputs.schema import TABLES
from lydite.inputs.writing import report_of_table, write_table
from lydite.timezones import UTC

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from lydite.engine import Engine
    from lydite.inputs.sources import Source


def load(
    engine: Engine, sources: Mapping[str, Source | None], options: LoadOptions | None = None
) -> Quarantine:
    """Load sources into the tables of the schemas ``inputs`` and ``quarantine``.

    All tables are replaced together: after an error they are unchanged.

    Parameters
    ----------
    engine
        Holds the tables.
    sources
        A source per input table: a path or glob of Parquet, CSV or JSON files, a `.sql`
        file with one select, or a pandas, polars or Arrow frame. On Spark, a path or glob of
        Parquet, a table of its catalog, or a frame of Spark or of these. Spend and users may be
        absent.
    options
        How the tables are loaded.

    Returns
    -------
    Quarantine
        How many rows were accepted, set aside and merged.

    Raises
    ------
    InputError
        When a source cannot be used, or has no usable row for a required table.
    """
    options = _prepare(engine, sources, options)
    loads = [TableLoad(engine, table, options) for table in TABLES.values()]
    with contextlib.ExitStack() as stack:
        plans = [
            stack.enter_context(open_plan(load, sources.get(load.table.name))) for load in loads
        ]
        stack.enter_context(engine.transaction())
        return Quarantine({plan.table.name: write_table(plan) for plan in plans})


def load_table(
    engine: Engine,
    name: str,
    source: Source | None,
    options: LoadOptions | None = None,
    *,
    days: tuple[date, date] | None = None,
) -> TableReport:
    """Replace one table of the schemas ``inputs`` and ``quarantine``, or some days of it.

    Parameters
    ----------
    engine
        Holds the table.
    name
        Name of the input table, such as ``touchpoints``.
    source, options
        As for `load`.
    days
        The first and the last local day to load: rows of these days are replaced by those that a
        load of the whole source would make, and all other rows stay. None for all rows. DuckDB
        only, for tables whose rows have a time.

    Returns
    -------
    TableReport
        How many rows were accepted, set aside and merged.

    Raises
    ------
    InputError
        As for `load`.
    """
    options = _prepare(engine, {name: source}, options)
    table = TABLES[name]
    if days is None:
        load = TableLoad(engine, table, options)
        with open_plan(load, source) as plan, engine.transaction():
            return write_table(plan)
    load = TableLoad(engine, table, options, Days(*days))
    local = refuse_days(engine, table)
    source = source_of_days(engine, source, Days(*days))
    with open_plan(load, source) as plan, engine.transaction():
        with replaced_days(local, table, plan.relation, Days(*days)):
            report = write_table(plan)
        return report_of_table(local, report)


def _prepare(
    engine: Engine, sources: Mapping[str, object], options: LoadOptions | None
) -> LoadOptions:
    """Refuse unknown tables, set the time zone, and return the options with the present time."""
    for name in sources:
        if name not in TABLES:
            near = difflib.get_close_matches(name, TABLES, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"there is no input table {name!r}; the tables are {', '.join(TABLES)}.{hint}"
            )
    options = options or LoadOptions()
    engine.local.set_timezone(options.timezone or UTC)
    return options.at_fixed_time()
