"""Writes the input tables: bad rows are set aside, with a reason, and all rows counted."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from lydite.engine import DuckDBEngine, load_sql
from lydite.engine.duckdb import quote_literal
from lydite.errors import InputError
from lydite.inputs import changed_files, channels, currencies, malformed_lines
from lydite.inputs.advice import advise, example
from lydite.inputs.casting import day_of, match_columns, segment_columns, traffic_columns
from lydite.inputs.days import count_days, merged_rows
from lydite.inputs.files import FILE_COLUMN
from lydite.inputs.repeated_ids import merge_repeated_ids
from lydite.inputs.reports import TableReport
from lydite.inputs.rules import set_aside_rows
from lydite.inputs.source_rows import read_errors_named

if TYPE_CHECKING:
    from datetime import date

    from lydite.engine import Engine
    from lydite.inputs.changed_files import SourceFiles
    from lydite.inputs.load_options import LoadOptions
    from lydite.inputs.plans import Plan
    from lydite.inputs.schema import Table
    from lydite.inputs.source_rows import Relation


def write_table(plan: Plan) -> TableReport:
    """Write ``inputs.<table>`` and ``quarantine.<table>``; note which users have changed rows.

    Raises
    ------
    InputError
        When the rows cannot be read, or none of a required table can be used.
    """
    engine, files = plan.engine, plan.files
    if files is None and isinstance(engine, DuckDBEngine):
        changed_files.forget_files(engine, plan.table.name)
    with changed_files.compared(engine, plan.table.name):
        report = _write_rows(plan)
    if files is None or not isinstance(engine, DuckDBEngine):
        return report
    if files.whole is not None:
        definitions = (plan.definition(), plan.without_rows().definition())
        changed_files.write_definitions(engine, files, plan.relation, definitions, plan.zone)
    erased = changed_files.write_files(engine, files)
    return replace(report, erased=erased, files=str(files))


def report_of_table(engine: DuckDBEngine, report: TableReport) -> TableReport:
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


def _write_rows(plan: Plan) -> TableReport:
    """Write the rows of ``raw.<table>``, a view of the source."""
    engine, raw = plan.engine, f"raw.{plan.table.name}"
    with read_errors_named(engine, plan.relation):
        engine.drop(raw)
        select = _of_days(plan, _with_channels(plan))
        if plan.options.keep_raw:
            engine.create(raw, select)
        else:
            engine.create_view(raw, select)
        report = _split_rows(plan)
        if plan.days is None:  # such lines have no day
            report = _with_malformed_lines(engine, report, plan.relation)
    if plan.days is None:
        _refuse_if_all_bad(plan, report)
    if not plan.options.keep_raw:
        engine.drop(raw)
    if plan.names is not None:
        channels.drop_names(engine)
    return replace(report, zone=plan.zone)


def _of_days(plan: Plan, select: str) -> str:
    """Return the select of the rows of the days to load; of all rows if other days change these."""
    if plan.days is None or _looks_at_other_days(plan):
        return select
    return f"select * from (\n{select}\n) where {plan.days.contain(day_of(plan.table))}"


def _looks_at_other_days(plan: Plan) -> bool:
    """Return whether rows of one day decide what becomes of those of another."""
    if plan.table.name == "touchpoints":
        return any(rule.severity == "set_aside" for rule in plan.load.rules.values())
    return _merges_ids(plan)


def _merges_ids(plan: Plan) -> bool:
    table = plan.table
    has_ids = table.id is not None and table.id in match_columns(plan.relation, table)
    return has_ids or (table.name == "conversions" and bool(plan.options.first_only))


def _with_malformed_lines(engine: Engine, report: TableReport, relation: Relation) -> TableReport:
    """Count the lines that could not be read, which are in a quarantine table of their kind."""
    n = malformed_lines.store(engine, report.table, relation)
    return replace(report, bad=report.bad | {malformed_lines.REASON: n}) if n else report


def _with_channels(plan: Plan) -> str:
    """Return the select of ``raw.<table>``, with the channels named where that is needed."""
    if not plan.table.traffic:
        return plan.select
    plan.engine.drop(f"inputs.channels_of_{plan.table.name}")
    if plan.names is None:
        return plan.select
    return channels.name_channels(
        plan.engine,
        plan.table,
        plan.select,
        plan.names,
        has_traffic=bool(traffic_columns(plan.relation, plan.table)),
    )


def _split_rows(plan: Plan) -> TableReport:
    """Split accepted from bad rows."""
    engine, table = plan.engine, plan.table
    now: dict[str, object] = {"now": plan.options.now}
    if currencies.has_amounts(table):
        now["reporting"] = currencies.prepare_rates(
            engine, table, plan.options.currency, has_column=plan.has_currency
        )
    if plan.files is not None and plan.files.whole is None:
        report = _replace_rows_of_files(plan, plan.files, now)
    else:
        report = _replace_all_rows(plan, now)
    currencies.drop_rates(engine, table)
    return report


def _replace_rows_of_files(plan: Plan, files: SourceFiles, now: dict[str, object]) -> TableReport:
    """Replace the rows of the files that have changed."""
    engine, table = plan.engine, plan.table
    checked = _checked(table)
    changed_files.replace_rows(
        engine,
        files,
        f"select {_columns(table, plan.relation)}\n{checked} where reason is null",
        f"select source_row.*, reason\n{checked} where reason is not null",
        now,
    )
    if isinstance(engine, DuckDBEngine) and (files.numbers or files.replaced):
        count_days(engine, table, plan.relation, {}, None, has_merged=False)
    bad = _reasons(engine, f"quarantine.{table.name}")
    return TableReport(table.name, _count(engine, f"inputs.{table.name}"), bad)


def _replace_all_rows(plan: Plan, now: dict[str, object]) -> TableReport:
    """Replace all rows; if there are no bad ones, rows are read only once."""
    engine, table, relation = plan.engine, plan.table, plan.relation
    good, bad = f"inputs.{table.name}", f"quarantine.{table.name}"
    checked = _checked(table)
    accepted = f"{checked} where reason is null"
    columns = _columns(table, relation)
    engine.create(good, _accepted(table, columns, accepted, plan.options), now)
    engine.comment(good, table.sql)
    if plan.files is not None:
        engine.run(f"comment on column {good}.{FILE_COLUMN} is '{changed_files.ABOUT_COLUMN}'")
    source = relation.sql if plan.days is None else f"raw.{table.name}"
    read, rows = _count(engine, source), _count(engine, good)
    end = " limit 0" if rows == read else ""
    engine.create(bad, f"select source_row.*, reason\n{checked} where reason is not null{end}", now)
    refunds: dict[date | None, int] = {}
    if _merges_ids(plan):
        refunds = merge_repeated_ids(engine, accepted, now, plan.options.first_only)
        rows = _count(engine, good)
    if table.name == "touchpoints":
        set_aside_rows(engine, accepted, now, plan.load.rules)
        rows = _count(engine, good)
    reasons = _reasons(engine, bad)
    merged = read - rows - sum(reasons.values())
    if merged and not table.distinct:
        raise InputError(f"{relation.place}: changed while it was read. Load it again.")
    if table.has_time and isinstance(engine, DuckDBEngine):
        count_days(engine, table, relation, refunds, plan.days, has_merged=merged > 0)
    n = sum(refunds.values())
    return TableReport(table.name, rows, reasons, merged - n, n)


def _checked(table: Table) -> str:
    """Return the rows of ``raw.<table>``, each with the reason why it cannot be used, if any."""
    return f"from (\n{load_sql(table.sql)}\n)"


def _reasons(engine: Engine, table: str) -> dict[str, int]:
    """Return the rows of a quarantine table by reason, the most frequent first."""
    return dict(
        engine.rows(f"select reason, count(*) from {table} group by reason order by 2 desc, 1")
    )


def _accepted(table: Table, columns: str, accepted: str, options: LoadOptions) -> str:
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


def _refuse_if_all_bad(plan: Plan, report: TableReport) -> None:
    """Raise when a required table has no accepted row: then the whole source is wrong."""
    engine, table = plan.engine, plan.table
    if report.rows or not table.required:
        return
    reasons = ", ".join(f"{count} {reason}" for reason, count in report.bad.items())
    first = next(iter(report.bad))
    matched = match_columns(plan.relation, table)
    source = next((name for column, name in matched.items() if first.endswith(column)), None)
    such = "" if source is None else example(engine, table.name, first, source)
    raise InputError(
        f"{plan.relation.place}: none of its {report.read} rows can be used: {reasons}{such}."
        f" What to do: {advise(engine, table.name, first, source)}."
    )


def _count(engine: Engine, relation: str) -> int:
    return int(engine.scalar(f"select count(*) from {relation}"))
