"""Summaries of the input tables, read from the tables of a run."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from lydite.checking.data_check import ColumnSummary, RowsSetAside, TableSummary
from lydite.engine.duckdb import quote_identifier
from lydite.environment import mask
from lydite.inputs import CHOSEN_REASONS, REASONS, TABLES, Kind, malformed_lines
from lydite.inputs.advice import advise

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lydite.engine import DuckDBEngine
    from lydite.inputs import Source, Table

_MOST_VALUES, _MOST_EXAMPLES, _LONGEST = 5, 3, 60
#: Columns that are wrong where the name of the reason does not end with one.
_COLUMNS = {
    **dict.fromkeys(CHOSEN_REASONS, "user_id"),  # rules are about users and their touches
    "repeated_id": "conversion_id",
    "after_as_of": "touched_at converted_at",
}


def summarise_tables(
    engine: DuckDBEngine, sources: Mapping[str, Source], names: Iterable[str] = TABLES
) -> list[TableSummary]:
    """Return a summary of each table that has a source.

    Parameters
    ----------
    engine
        Holds the loaded tables, and ``inputs.report``.
    sources
        The sources by table.
    names
        The tables that were loaded.
    """
    return [
        _summarise(engine, TABLES[name], source_name(sources[name]))
        for name in names
        if name in sources
    ]


def source_name(source: Source) -> str:
    """Return where a table comes from, for people; without secrets."""
    kind = type(source)
    if kind.__module__.partition(".")[0] in {"polars", "pandas", "pyarrow", "pyspark"}:
        return f"{kind.__module__.partition('.')[0]} frame"
    return mask(str(source))


def _summarise(engine: DuckDBEngine, table: Table, source: str) -> TableSummary:
    counts = dict(
        engine.rows(
            "select reason, sum(rows) from inputs.report where table_name = $name group by reason",
            {"name": table.name},
        )
    )
    rows, duplicates = int(counts.pop("accepted", 0)), int(counts.pop("duplicate", 0))
    refunds = int(counts.pop("refund", 0))
    bad = sorted(((reason, int(n)) for reason, n in counts.items() if n), key=lambda row: -row[1])
    return TableSummary(
        table.name,
        source,
        rows + sum(n for _, n in bad) + duplicates + refunds,
        rows,
        duplicates,
        refunds,
        tuple(_set_aside(engine, table, reason, n) for reason, n in bad),
        tuple(_columns(engine, table)),
    )


def _set_aside(engine: DuckDBEngine, table: Table, reason: str, rows: int) -> RowsSetAside:
    if reason == malformed_lines.REASON:
        found = engine.rows(
            f"select left(text, {_LONGEST}) from {malformed_lines.TABLE} where table_name = $name"
            f" limit {_MOST_EXAMPLES}",
            {"name": table.name},
        )
        return RowsSetAside(reason, rows, tuple(text for (text,) in found), REASONS[reason])
    quarantine = f"quarantine.{table.name}"
    wrong = _COLUMNS.get(reason, reason)
    column = next(
        (name for name in engine.columns(quarantine)
         if name != "reason" and wrong.endswith(name.lower())),
        None,
    )  # fmt: skip
    examples: list[str] = []
    if column is not None:
        name = quote_identifier(column)
        found = engine.rows(
            f"select distinct left(cast({name} as varchar), {_LONGEST}) as example"
            f" from {quarantine} where reason = $reason and {name} is not null"
            f" order by example limit {_MOST_EXAMPLES}",
            {"reason": reason},
        )
        examples = [example for (example,) in found]
    return RowsSetAside(reason, rows, tuple(examples), advise(engine, table.name, reason, column))


def _columns(engine: DuckDBEngine, table: Table) -> list[ColumnSummary]:
    """Return a summary of the columns with values, and of those that are required."""
    name = f"inputs.{table.name}"
    kinds = {column.name: column.kind for column in table.columns}
    required = {column.name for column in table.columns if column.required}
    found = [column for column in engine.columns(name) if column in kinds or table.has_segments]
    if not found:
        return []
    parts = [part for column in found for part in _measures(column, kinds.get(column))]
    rows, *values = engine.rows(f"select count(*), {', '.join(parts)} from {name}")[0]
    measured = iter(values)
    summaries = []
    for column in found:
        kind = kinds.get(column, Kind.LABEL)
        filled, distinct, low, high = (next(measured) for _ in range(4))
        if not filled and column not in required:
            continue
        top = _top(engine, name, column) if kind is Kind.LABEL else ()
        summaries.append(
            ColumnSummary(column, filled, rows - filled, distinct, _shown(low), _shown(high), top)
        )
    return summaries


def _measures(column: str, kind: Kind | None) -> tuple[str, str, str, str]:
    """Return SQL for the values that are filled, distinct values, and the range."""
    name = quote_identifier(column)
    ranged = kind in {Kind.INSTANT, Kind.DAY, Kind.NUMBER}
    distinct = "null" if kind in {Kind.NUMBER, Kind.INSTANT} else f"count(distinct {name})"
    low, high = (f"min({name})", f"max({name})") if ranged else ("null", "null")
    return f"count({name})", distinct, low, high


def _top(engine: DuckDBEngine, table: str, column: str) -> tuple[tuple[str, int], ...]:
    name = quote_identifier(column)
    found = engine.rows(
        f"select left(cast({name} as varchar), {_LONGEST}), count(*) as n from {table}"
        f" where {name} is not null group by {name} order by n desc, {name} limit {_MOST_VALUES}"
    )
    return tuple((value, int(n)) for value, n in found)


def _shown(value: Any) -> float | str | None:  # noqa: ANN401 - a value of any column
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return value.isoformat() if isinstance(value, date) else value
