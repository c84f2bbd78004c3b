"""What the input tables have lost since the last run: columns, and rows by channel and outcome."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import polars as pl

from lydite.engine.duckdb import quote_identifier
from lydite.inputs import TABLES
from lydite.inputs.files import FILE_COLUMN
from lydite.quality.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from lydite.engine import DuckDBEngine, Engine

#: Parts of a table with fewer rows at the last run are not compared.
MIN_ROWS = 100
#: A part has lost rows if fewer than this share of them is left ...
MIN_KEPT = 0.5
#: ... and a column has lost its values if it fills less than this share of the rows that it filled.
MIN_FILLED = 0.1
_MOST_NAMED = 5
_SIZES = "quality.sizes"
_SCHEMA: dict[str, Any] = {
    "table_name": pl.String,
    "part": pl.String,
    "name": pl.String,
    "rows": pl.Int64,
    "last_at": pl.Datetime("us"),
}
_TIMES = {"touchpoints": "touched_at", "conversions": "converted_at"}
#: The column whose values divide a table into parts.
_PARTS = {"touchpoints": "channel", "conversions": "outcome"}


class _Part(NamedTuple):
    """A part of a table: the table, its column ``name``, or the rows of a channel or an outcome."""

    table: str
    part: str
    name: str


@dataclass(frozen=True)
class TableSizes:
    """Size of the input tables.

    Attributes
    ----------
    rows
        The number of rows of each part; of a column, those with a value.
    last_at
        The time of the last row of each table that has times.
    """

    rows: Mapping[_Part, int]
    last_at: Mapping[str, datetime]


def read_sizes(engine: DuckDBEngine) -> TableSizes | None:
    """Return the sizes of the last run whose changes were accepted; None before the first."""
    if not engine.exists(_SIZES):
        return None
    rows = engine.rows(f"select table_name, part, name, rows, last_at from {_SIZES}")
    return TableSizes(
        {_Part(*part): n for *part, n, _ in rows},
        {table: last_at for table, *_, last_at in rows if last_at is not None},
    )


def write_sizes(engine: DuckDBEngine, sizes: TableSizes) -> None:
    """Replace the stored sizes."""
    rows = [
        (*part, n, sizes.last_at.get(part.table) if part.part == "table" else None)
        for part, n in sizes.rows.items()
    ]
    engine.store(_SIZES, pl.DataFrame(rows, schema=_SCHEMA, orient="row"))


def measure_sizes(engine: Engine, until: Mapping[str, datetime] | None = None) -> TableSizes:
    """Count the rows of the input tables, and the values of their optional columns.

    Parameters
    ----------
    engine
        Holds the input tables.
    until
        Count only rows up to an instant, by table; all rows when None.
    """
    rows: dict[_Part, int] = {}
    last_at = {}
    for table in TABLES.values():
        name, time = f"inputs.{table.name}", _TIMES.get(table.name)
        limited = until is not None and table.name in until
        where = f" where {time} <= $until" if limited else ""
        parameters = {"until": until[table.name]} if until and limited else None
        optional = [
            column
            for column in engine.columns(name)
            if column != FILE_COLUMN
            and not any(column == known.name and known.required for known in table.columns)
        ]
        filled = "".join(f", count({quote_identifier(column)})" for column in optional)
        last = f"max({time})" if time else "null"
        total, end, *counts = engine.rows(
            f"select count(*), {last}{filled} from {name}{where}", parameters
        )[0]
        rows[_Part(table.name, "table", table.name)] = total
        rows |= {
            _Part(table.name, "column", column): n
            for column, n in zip(optional, counts, strict=True)
        }
        if end is not None:
            last_at[table.name] = end
        if table.name in _PARTS:
            part = _PARTS[table.name]
            found = engine.rows(
                f"select {part}, count(*) from {name}{where} group by {part}", parameters
            )
            rows |= {_Part(table.name, part, value): n for value, n in found}
    return TableSizes(rows, last_at)


def find_losses(before: TableSizes, now: TableSizes) -> list[Finding]:
    """Return findings about columns without values now, and tables that have lost half their rows.

    Parameters
    ----------
    before
        The sizes of the last run.
    now
        The sizes of the rows up to the end of the last run.
    """
    return [finding for name in TABLES for finding in _losses_of(name, before, now)]


def _losses_of(table: str, before: TableSizes, now: TableSizes) -> Iterator[Finding]:
    whole = _Part(table, "table", table)
    then, rows = before.rows.get(whole, 0), now.rows.get(whole, 0)
    if _lost(then, rows, MIN_KEPT):
        text = f"{table}: {rows:,} rows up to the end of the last run, which had {then:,}"
        yield Finding("halved_rows", table, None, text)
        return  # so all its parts have lost rows, too
    lost = [
        (part.name, n, now.rows.get(part, 0))
        for part, n in before.rows.items()
        if part.table == table and part.part == _PARTS.get(table)
        if _lost(n, now.rows.get(part, 0), MIN_KEPT)
    ]
    if lost:
        changes = [f"{name!r} ({n:,}, was {was:,})" for name, was, n in lost]
        text = (
            f"{table}: fewer than half of the rows of the last run are left of {_PARTS[table]}"
            f" {_enumerate(changes)}"
        )
        yield Finding("halved_rows", table, None, text)
    for part, filled in before.rows.items():
        if part.table != table or part.part != "column":
            continue
        # Compared with the rows that are left, so that fewer rows are no lost column.
        expected = round(filled * min(rows / then, 1)) if then else 0
        if _lost(expected, now.rows.get(part, 0), MIN_FILLED):
            left = now.rows.get(part, 0)
            gone = "is gone, or has no value now" if not left else f"has {left:,} values now"
            text = f"{table}: the column {part.name!r} {gone}; it had {filled:,} at the last run"
            yield Finding("lost_column", table, None, text)


def _lost(before: int, now: int, kept: float) -> bool:
    return before >= MIN_ROWS and now < kept * before


def _enumerate(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join([*names[:_MOST_NAMED], *([f"and {more} more"] if more > 0 else [])])
