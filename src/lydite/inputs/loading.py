"""Loads sources into the input tables; bad rows are set aside, with a reason, and counted."""

from __future__ import annotations

import contextlib
import difflib
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from lydite.engine import DuckDBEngine, SparkEngine, load_sql
from lydite.engine.duckdb import quote_identifier, quote_literal
from lydite.errors import InputError
from lydite.inputs import (
    changed_files,
    channels,
    currencies,
    malformed_lines,
    sources,
    spark_sources,
)
from lydite.inputs.advice import advise
from lydite.inputs.casting import (
    cast_select,
    day_of,
    match_columns,
    segment_columns,
    traffic_columns,
    zone_of,
)
from lydite.inputs.days import (
    Days,
    count_days,
    merged_rows,
    refuse_days,
    replaced_days,
    source_of_days,
)
from lydite.inputs.files import FILE_COLUMN
from lydite.inputs.rules import active_rules, set_aside_rows
from lydite.inputs.schema import CHOSEN_REASONS, TABLES, Table
from lydite.inputs.source_rows import empty_relation, read_errors_named
from lydite.settings import ChannelSettings, DeclaredEnds
from lydite.timezones import UTC as UTC_NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import date

    from lydite.engine import Engine
    from lydite.inputs.changed_files import SourceFiles
    from lydite.inputs.rules import Rule
    from lydite.inputs.source_rows import Relation
    from lydite.inputs.sources import Source
    from lydite.inputs.timezones import Zone
    from lydite.settings import CurrencySettings, RuleName, RuleSettings


@dataclass(frozen=True)
class TableReport:
    """Number of rows of one table that were accepted, set aside and merged.

    Parameters
    ----------
    table
        Name of the input table.
    rows
        Rows accepted.
    bad
        Rows set aside in ``quarantine.<table>``, by reason; the most frequent first.
    duplicates
        Further copies of accepted rows, which are counted once. Equal touchpoints are merged later,
        when journeys are built.
    refunds
        Rows whose value was subtracted from the conversion with the same id.
    zone
        What the times say about their zone; None if unknown.
    erased
        Rows of users who were erased after an earlier run had loaded them.
    files
        Which files were read, in words; None for a table that is not loaded by file.
    """

    table: str
    rows: int
    bad: dict[str, int]
    duplicates: int = 0
    refunds: int = 0
    zone: Zone | None = None
    erased: int = 0
    files: str | None = None

    @property
    def read(self) -> int:
        """Rows of the source."""
        aside = sum(self.bad.values())
        return self.rows + aside + self.duplicates + self.refunds + self.erased

    @property
    def bad_share(self) -> float:
        """Share of the source's rows that cannot be used; 0 for an empty table.

        Nothing is wrong with rows in `lydite.inputs.schema.CHOSEN_REASONS`, such as rows after a
        declared end of the data, and rows that break a rule that the settings chose.
        """
        bad = sum(n for reason, n in self.bad.items() if reason not in CHOSEN_REASONS)
        return bad / self.read if self.read else 0.0


@dataclass(frozen=True)
class Quarantine:
    """Number of rows that were accepted, set aside and merged, by table.

    Parameters
    ----------
    tables
        The report of each input table, by name.
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
    ends: DeclaredEnds | None = None,
    names: ChannelSettings | None = None,
    keep_raw: bool = False,
    keep_duplicates: bool = False,
    rules: Mapping[RuleName, RuleSettings] | None = None,
    first_only: Collection[str] = (),
    currency: CurrencySettings | None = None,
    timezone: str | None = None,
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
    now
        Rows later than this are set aside; the current time when None. A time without zone is UTC.
    ends
        The declared ends of the data. Rows after them are set aside too.
    names
        How channels are named; None for no mapping.
    keep_raw
        Whether to keep all rows, before they are checked, as tables of the schema ``raw``.
    keep_duplicates
        Whether equal conversions without an id are kept; otherwise they are counted once.
    rules
        Severity and threshold of rules about touchpoints (`lydite.inputs.rules`).
    timezone
        The time zone of times without a zone, and of days; None for UTC.
    first_only
        Outcomes of which only the first conversion of a user counts.
    currency
        The currency that amounts are converted to, and the rates; None to convert nothing.

    Returns
    -------
    Quarantine
        How many rows were accepted, set aside and merged.

    Raises
    ------
    InputError
        When a source cannot be used, or has no usable row for a required table.
    """
    _refuse_unknown(sources)
    _use_timezone(engine, timezone)
    time, ends = _utc_time(now), ends or DeclaredEnds()
    _refuse_future_ends(ends, time)
    options = _Options(
        time,
        ends,
        names or ChannelSettings(),
        keep_raw,
        keep_duplicates,
        active_rules(rules),
        first_only,
        currency,
        has_timezone=timezone is not None,
    )
    with contextlib.ExitStack() as stack:
        plans = [
            stack.enter_context(_plan(engine, table, sources.get(name), options))
            for name, table in TABLES.items()
        ]
        stack.enter_context(engine.transaction())
        return Quarantine({plan.table.name: _write(engine, plan, options) for plan in plans})


def load_table(
    engine: Engine,
    name: str,
    source: Source | None,
    *,
    now: datetime | None = None,
    ends: DeclaredEnds | None = None,
    names: ChannelSettings | None = None,
    keep_raw: bool = False,
    keep_duplicates: bool = False,
    rules: Mapping[RuleName, RuleSettings] | None = None,
    first_only: Collection[str] = (),
    currency: CurrencySettings | None = None,
    timezone: str | None = None,
    days: tuple[date, date] | None = None,
) -> TableReport:
    """Replace one table of the schemas ``inputs`` and ``quarantine``, or some days of it.

    Parameters
    ----------
    engine
        Holds the table.
    name
        Name of the input table, such as ``touchpoints``.
    source, now, ends, names, keep_raw, keep_duplicates, rules, first_only, currency, timezone
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
    _refuse_unknown({name: source})
    _use_timezone(engine, timezone)
    time, ends = _utc_time(now), ends or DeclaredEnds()
    _refuse_future_ends(ends, time)
    options = _Options(
        time,
        ends,
        names or ChannelSettings(),
        keep_raw,
        keep_duplicates,
        active_rules(rules),
        first_only,
        currency,
        has_timezone=timezone is not None,
        days=None if days is None else Days(*days),
    )
    table = TABLES[name]
    if options.days is None:
        with _plan(engine, table, source, options) as plan, engine.transaction():
            return _write(engine, plan, options)
    local = refuse_days(engine, table)
    source = source_of_days(engine, source, options.days)
    with _plan(engine, table, source, options) as plan, engine.transaction():
        with replaced_days(local, table, plan.relation, options.days):
            report = _write(engine, plan, options)
        return _report_of_table(local, report)


# --- checks of whole sources --------------------------------------------------------------------


def _refuse_unknown(sources: Mapping[str, object]) -> None:
    for name in sources:
        if name not in TABLES:
            near = difflib.get_close_matches(name, TABLES, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise InputError(
                f"there is no input table {name!r}; the tables are {', '.join(TABLES)}.{hint}"
            )


def _use_timezone(engine: Engine, timezone: str | None) -> None:
    engine.local.set_timezone(timezone or UTC_NAME)


def _utc_time(now: datetime | None) -> datetime:
    """Return a time, now when None, in UTC and without a zone, like the times of the tables."""
    time = datetime.now(UTC) if now is None else now
    return time if time.tzinfo is None else time.astimezone(UTC).replace(tzinfo=None)


def _refuse_future_ends(ends: DeclaredEnds, now: datetime) -> None:
    given = [end for end in (ends.conversions, *ends.by_outcome.values()) if end is not None]
    if given and max(given) > now:
        raise InputError(
            f"as_of = {max(given)} is in the future: it is the instant up to which the data is"
            " complete. Give an instant in the past, or leave it out."
        )


@dataclass(frozen=True)
class _Options:
    """How tables are loaded: see `load`."""

    now: datetime
    ends: DeclaredEnds
    names: ChannelSettings
    keep_raw: bool
    keep_duplicates: bool
    rules: Mapping[str, Rule]
    first_only: Collection[str]
    currency: CurrencySettings | None
    has_timezone: bool
    days: Days | None = None


@dataclass(frozen=True)
class _Plan:
    """A source that can be read and has the required columns."""

    table: Table
    relation: Relation
    select: str  # of raw.<table>
    zone: Zone | None  # of its times
    names: ChannelSettings | None  # where channels have to be named
    files: SourceFiles | None = None  # where the table is loaded by file


@contextlib.contextmanager
def _plan(
    engine: Engine,
    table: Table,
    source: Source | None,
    options: _Options,
) -> Iterator[_Plan]:
    """Open a source; check that it is given, has rows and the required columns, and its zones.

    Where rows of earlier runs can stay, only the files that have changed are opened.
    """
    if source is None and table.required:
        raise InputError(f"{table.name}: no source is given. Give a file, a .sql file or a frame.")
    files = None
    if not options.keep_raw and options.days is None:
        files = changed_files.find_source_files(
            engine, table, source, options.rules, options.names, options.currency
        )
    with contextlib.ExitStack() as stack:
        if files is not None and files.whole is None:
            plan = _plan_of_changed_files(engine, stack, table, source, options, files)
            if plan is not None:
                yield plan
                return
            stack.close()
            files = files.all("those that have changed are read in another way")
        relation = stack.enter_context(_open(engine, table, source, files))
        with read_errors_named(engine, relation):
            rows = _or_empty(engine, table, relation)
            plan = _plan_rows(engine, table, rows, options, files)
        yield plan


def _plan_of_changed_files(
    engine: Engine,
    stack: contextlib.ExitStack,
    table: Table,
    source: Source | None,
    options: _Options,
    files: SourceFiles,
) -> _Plan | None:
    """Open the files that have changed; None where all files must be read.

    They must be read as the others were, by the same casts. If rows are removed, nothing about the
    casts may depend on rows, as the removed ones may have decided it.
    """
    known = changed_files.read_definition(engine, table.name)
    if known is None:
        return None
    nothing = _plan_rows(engine, table, known.without_rows(table.name), options, files)
    if known.empty != _definition(engine, nothing):
        return None
    if files.replaced and known.empty != known.definition:
        return None
    if not files.numbers:
        return replace(nothing, zone=known.zone)
    try:  # what is wrong with one file may be right for all of them together
        relation = stack.enter_context(_open(engine, table, source, files))
        with read_errors_named(engine, relation):
            plan = _plan_rows(engine, table, relation, options, files)
    except InputError:
        return None
    return plan if known.definition == _definition(engine, plan) else None


def _definition(engine: Engine, plan: _Plan) -> str | None:
    """Return a digest of how the rows of a plan are read; None where that is not by file."""
    if plan.files is None:
        return None
    return changed_files.define(engine, plan.table, plan.relation, plan.select, plan.zone)


def _plan_rows(
    engine: Engine, table: Table, rows: Relation, options: _Options, files: SourceFiles | None
) -> _Plan:
    """Return the plan of an open source; without files where it cannot be loaded by file."""
    needed = _names_needed(engine, table, rows, options.names)
    if needed is not None or "currency" in match_columns(rows, table):
        rows, files = changed_files.without_numbers(rows), None
    if FILE_COLUMN not in rows.columns:
        files = None
    select = cast_select(engine, rows, table, options.ends, names_channels=needed is not None)
    zone = zone_of(engine, rows, table, declared=options.has_timezone)
    return _Plan(table, rows, select, zone, needed, files)


def _names_needed(
    engine: Engine, table: Table, relation: Relation, names: ChannelSettings
) -> ChannelSettings | None:
    """Return the settings where channels have to be named, not only read."""
    if not channels.needs_names(table, traffic_columns(relation, table), names):
        return None
    if isinstance(engine, DuckDBEngine):
        channels.create_macros(engine)
    return names


def _open(
    engine: Engine, table: Table, source: Source | None, files: SourceFiles | None
) -> contextlib.AbstractContextManager[Relation]:
    """Open a source for the engine that reads it."""
    if isinstance(engine, SparkEngine):
        return spark_sources.open_source(engine, table, source)
    if isinstance(engine, DuckDBEngine):
        numbers = None if files is None else files.numbers
        return sources.open_source(engine, table, source, numbers)
    raise TypeError(f"no sources are defined for the engine {type(engine).__name__}")


def _or_empty(engine: Engine, table: Table, relation: Relation) -> Relation:
    """Return the relation; one without rows is an error, or an empty table where it is optional."""
    if _count(engine, relation.sql):
        return relation
    if table.required:
        raise InputError(
            f"{relation.place}: is empty, it has no rows. Check the export that wrote it."
        )
    return empty_relation(table, relation.place)


# --- writing ------------------------------------------------------------------------------------


def _write(engine: Engine, plan: _Plan, options: _Options) -> TableReport:
    """Write ``inputs.<table>`` and ``quarantine.<table>``; note which users have changed rows."""
    if plan.files is None and isinstance(engine, DuckDBEngine):
        changed_files.forget_files(engine, plan.table.name)
    with changed_files.compared(engine, plan.table.name):
        report = _write_rows(engine, plan, options)
    if plan.files is None or not isinstance(engine, DuckDBEngine):
        return report
    if plan.files.whole is not None:
        nothing = changed_files.no_rows(plan.relation)
        again = _plan_rows(engine, plan.table, nothing, options, plan.files)
        definitions = (_definition(engine, plan), _definition(engine, again))
        changed_files.write_definitions(engine, plan.files, plan.relation, definitions, plan.zone)
    erased = changed_files.write_files(engine, plan.files)
    return replace(report, erased=erased, files=str(plan.files))


def _write_rows(engine: Engine, plan: _Plan, options: _Options) -> TableReport:
    """Write the rows of ``raw.<table>``, a view of the source."""
    raw = f"raw.{plan.table.name}"
    with read_errors_named(engine, plan.relation):
        engine.drop(raw)
        select = _of_days(plan, _with_channels(engine, plan), options)
        if options.keep_raw:
            engine.create(raw, select)
        else:
            engine.create_view(raw, select)
        report = _split_rows(engine, plan, options)
        if options.days is None:  # such lines have no day
            report = _with_malformed_lines(engine, report, plan.relation)
    if options.days is None:
        _refuse_if_all_bad(engine, plan.table, plan.relation, report)
    if not options.keep_raw:
        engine.drop(raw)
    if plan.names is not None:
        channels.drop_names(engine)
    return replace(report, zone=plan.zone)


def _of_days(plan: _Plan, select: str, options: _Options) -> str:
    """Return the select of the rows of the days to load; of all rows if other days change these."""
    table = plan.table
    if options.days is None or _looks_at_other_days(table, plan.relation, options):
        return select
    return f"select * from (\n{select}\n) where {options.days.contain(day_of(table))}"


def _looks_at_other_days(table: Table, relation: Relation, options: _Options) -> bool:
    """Return whether rows of one day decide what becomes of those of another."""
    if table.name == "touchpoints":
        return any(rule.severity == "set_aside" for rule in options.rules.values())
    return _merges_ids(table, relation, options)


def _merges_ids(table: Table, relation: Relation, options: _Options) -> bool:
    has_ids = table.id is not None and table.id in match_columns(relation, table)
    return has_ids or (table.name == "conversions" and bool(options.first_only))


def _report_of_table(engine: DuckDBEngine, report: TableReport) -> TableReport:
    """Return the report on all rows of a table after a load of some days."""
    duplicates, refunds = merged_rows(engine, report.table)
    bad = _reasons(engine, f"quarantine.{report.table}")
    lines = malformed_lines.count(engine, report.table)
    return replace(
        report,
        rows=_count(engine, f"inputs.{report.table}"),
        bad=bad | ({malformed_lines.REASON: lines} if lines else {}),
        duplicates=duplicates,
        refunds=refunds,
    )


def _with_malformed_lines(engine: Engine, report: TableReport, relation: Relation) -> TableReport:
    """Count the lines that could not be read, which are in a quarantine table of their kind."""
    n = malformed_lines.store(engine, report.table, relation)
    return replace(report, bad=report.bad | {malformed_lines.REASON: n}) if n else report


def _with_channels(engine: Engine, plan: _Plan) -> str:
    """Return the select of ``raw.<table>``, with the channels named where that is needed."""
    if not plan.table.traffic:
        return plan.select
    engine.drop(f"inputs.channels_of_{plan.table.name}")
    if plan.names is None:
        return plan.select
    return channels.name_channels(
        engine,
        plan.table,
        plan.select,
        plan.names,
        has_traffic=bool(traffic_columns(plan.relation, plan.table)),
    )


def _split_rows(engine: Engine, plan: _Plan, options: _Options) -> TableReport:
    """Split accepted from bad rows; if there are none of these, rows are read only once."""
    table, relation, files = plan.table, plan.relation, plan.files
    good, bad = f"inputs.{table.name}", f"quarantine.{table.name}"
    checked = f"from (\n{load_sql(table.sql)}\n)"
    now: dict[str, object] = {"now": options.now}
    if currencies.has_amounts(table):
        now["reporting"] = currencies.prepare_rates(
            engine,
            table,
            options.currency,
            has_column="currency" in match_columns(relation, table),
        )
    columns = _columns(table, relation)
    accepted = f"{checked} where reason is null"
    if files is not None and files.whole is None:
        changed_files.replace_rows(
            engine,
            files,
            f"select {columns}\n{accepted}",
            f"select source_row.*, reason\n{checked} where reason is not null",
            now,
        )
        currencies.drop_rates(engine, table)
        if isinstance(engine, DuckDBEngine) and (files.numbers or files.replaced):
            count_days(engine, table, relation, {}, None, has_merged=False)
        return TableReport(table.name, _count(engine, good), _reasons(engine, bad))
    engine.create(good, _accepted(table, columns, accepted, options), now)
    engine.comment(good, table.sql)
    if files is not None:
        engine.run(f"comment on column {good}.{FILE_COLUMN} is '{changed_files.ABOUT_COLUMN}'")
    source = relation.sql if options.days is None else f"raw.{table.name}"
    read, rows = _count(engine, source), _count(engine, good)
    end = " limit 0" if rows == read else ""
    engine.create(bad, f"select source_row.*, reason\n{checked} where reason is not null{end}", now)
    refunds: dict[date | None, int] = {}
    if _merges_ids(table, relation, options):
        refunds = _merge_repeated_ids(engine, accepted, now, options.first_only)
        rows = _count(engine, good)
    if table.name == "touchpoints":
        set_aside_rows(engine, accepted, now, options.rules)
        rows = _count(engine, good)
    reasons = _reasons(engine, bad)
    currencies.drop_rates(engine, table)
    merged = read - rows - sum(reasons.values())
    if merged and not table.distinct:
        raise InputError(f"{relation.place}: changed while it was read. Load it again.")
    if table.has_time and isinstance(engine, DuckDBEngine):
        count_days(engine, table, relation, refunds, options.days, has_merged=merged > 0)
    n = sum(refunds.values())
    return TableReport(table.name, rows, reasons, merged - n, n)


def _reasons(engine: Engine, table: str) -> dict[str, int]:
    """Return the rows of a quarantine table by reason, the most frequent first."""
    return dict(
        engine.rows(f"select reason, count(*) from {table} group by reason order by 2 desc, 1")
    )


def _accepted(table: Table, columns: str, accepted: str, options: _Options) -> str:
    """Return the select of the accepted rows, with equal rows merged where the table says so."""
    if not table.distinct:
        return f"select {columns}\n{accepted}"
    if not (options.keep_duplicates and table.id):
        return f"select distinct {columns}\n{accepted}"
    # Equal rows without an id get different copies, so that they stay.
    several = f"{table.id} is null" + "".join(
        f" and outcome <> {quote_literal(outcome)}" for outcome in options.first_only
    )
    copy = f"case when {several} then uuid() end as copy"
    return f"select {columns} from (select distinct {columns}, {copy}\n{accepted})"


def _columns(table: Table, relation: Relation) -> str:
    """Return the columns of the loaded table as a select list."""
    names = [column.name for column in table.columns if column.is_kept]
    if FILE_COLUMN in relation.columns:
        names.append(f"source_row.{FILE_COLUMN}")
    return ", ".join([*names, "segments.*"] if segment_columns(relation, table) else names)


_KEYS = ("user_id", "outcome", "converted_at")
_OF_ONE_ROW = " and ".join(
    [*(f"found.{key} = repeated.{key}" for key in _KEYS),
     "found.conversion_id is not distinct from repeated.conversion_id",
     "found.value is not distinct from repeated.row_value"]
)  # fmt: skip
_MERGED = f"""
select
    found.user_id, found.converted_at, found.outcome,
    case when repeated.user_id is null then found.value else repeated.value end as value,
    found.conversion_id
from inputs.conversions as found
left join inputs.repeated_ids as repeated on {_OF_ONE_ROW}
where repeated.reason is null
"""
_REPEATS = """
select source_row.*, repeated.reason
from (select *
{accepted}) as found
inner join inputs.repeated_ids as repeated on {of_one_row}
where repeated.reason <> 'refund'
"""


def _merge_repeated_ids(
    engine: Engine, accepted: str, now: Mapping[str, object], first_only: Collection[str]
) -> dict[date | None, int]:
    """Keep one conversion per id, and the first where only it counts.

    The other rows go to quarantine, except refunds.

    Returns
    -------
    dict
        The number of refunds by local day.
    """
    repeated, merged, first = (
        f"inputs.{name}" for name in ("repeated_ids", "merged_conversions", "first_only")
    )
    engine.store(
        first, pl.DataFrame({"outcome": sorted(first_only)}, schema={"outcome": pl.String})
    )
    engine.create(repeated, "inputs/repeated_ids")
    engine.drop(first)
    refunds: dict[date | None, int] = dict(
        engine.rows(
            f"select {day_of(TABLES['conversions'])} as day, count(*) from {repeated}"
            " where reason = 'refund' group by all"
        )
    )
    if _count(engine, repeated):
        repeats = _REPEATS.format(accepted=accepted, of_one_row=_OF_ONE_ROW)
        engine.append("quarantine.conversions", repeats, now)
        engine.create(merged, _MERGED)
        engine.create("inputs.conversions", f"select * from {merged}")
        engine.comment("inputs.conversions", TABLES["conversions"].sql)
        engine.drop(merged)
    engine.drop(repeated)
    return refunds


def _refuse_if_all_bad(
    engine: Engine, table: Table, relation: Relation, report: TableReport
) -> None:
    """Raise when a required table has no accepted row: then the whole source is wrong."""
    if report.rows or not table.required:
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in report.bad.items())
    first = next(iter(report.bad))
    matched = match_columns(relation, table)
    source = next((name for column, name in matched.items() if first.endswith(column)), None)
    example = "" if source is None else _example(engine, table, source, first)
    raise InputError(
        f"{relation.place}: none of its {report.read} rows can be used: {reasons}{example}."
        f" What to do: {advise(engine, table.name, first, source)}."
    )


def _example(engine: Engine, table: Table, source: str, reason: str) -> str:
    """Return an example of a value of a column that was set aside for a reason."""
    name = quote_identifier(source)
    value = engine.scalar(
        f"select any_value(cast({name} as varchar)) from quarantine.{table.name}"
        " where reason = $reason",
        {"reason": reason},
    )
    return "" if value is None else f" (such as {source} = {value!r})"


def _count(engine: Engine, relation: str) -> int:
    return int(engine.scalar(f"select count(*) from {relation}"))
