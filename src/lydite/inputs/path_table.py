"""Reads a path table: paths, and how many journeys on each ended with a conversion."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.inputs.path_rows import MAX_COUNT, PathRows, canonical_rows
from lydite.inputs.schema import Column, Kind, Table
from lydite.inputs.slices import slice_starts
from lydite.inputs.source_rows import normalise_name, read_errors_named
from lydite.inputs.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    import polars as pl
    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine
    from lydite.inputs.source_rows import Relation
    from lydite.inputs.sources import Source

PATHS = Table(
    "paths",
    "paths, and how many journeys on each ended with and without a conversion",
    (
        Column("path", Kind.LABEL, "channels in order of time: a > b > c", required=True),
        Column("conversions", Kind.NUMBER, "journeys that ended in a conversion", required=True),
        Column("value", Kind.NUMBER, "total value of the conversions", unit="currency"),
        Column("nulls", Kind.NUMBER, "journeys that ended without a conversion"),
    ),
    required=True,
)
"""The columns of a path table."""

SPELLINGS = MappingProxyType(
    {
        "path": ("path", "paths", "journey"),
        "conversions": ("conversions", "conversion", "total_conversions", "conv"),
        "value": (
            "value",
            "conversion_value",
            "total_conversion_value",
            "total_value",
            "revenue",
        ),
        "nulls": (
            "nulls",
            "null",
            "total_null",
            "total_nulls",
            "non_conversions",
            "total_non_conversions",
        ),
    }
)
"""Accepted names of each column, in any case."""

_SPACED, _BARE = " > ", ">"
# The characters that casting trims off channel names.
_BLANKS = (
    "\t\n\v\f\r \u00a0\u1680"
    + "".join(map(chr, range(0x2000, 0x200B)))
    + "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.+\)")
_TEXTS = re.compile(r"VARCHAR|ENUM\(.+\)", re.DOTALL)
_WHOLE_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER")


@dataclass(frozen=True)
class PathTable:
    """Distinct paths, and how many journeys on each ended in a conversion.

    Channels are numbered by frequency, and paths sorted by length, then by channel numbers, as by
    `lydite.inputs.path_rows.canonical_rows`: the order of the source's rows does not matter.

    Attributes
    ----------
    place
        Where the table came from, for messages.
    channels
        Channel names; channel numbers are indexes into them.
    channel : (touches,) integers
        The channel number of each touch, path after path in order of time.
    length : (n,) integers, at least 1
        Touches of each path.
    conversions, nulls : (n,) integers
        Journeys on the path that ended with, and without, a conversion; their sum is at least 1.
    value : (n,) float
        Total value of the conversions; 0 where unknown.
    has_value, has_nulls
        Whether the source has such a column.
    without_journeys
        Rows of the source that were skipped, as no journey took their path.
    """

    place: str
    channels: tuple[str, ...]
    channel: NDArray[np.intp]
    length: NDArray[np.intp]
    conversions: NDArray[np.int64]
    value: NDArray[np.float64]
    nulls: NDArray[np.int64]
    has_value: bool
    has_nulls: bool
    without_journeys: int

    def __len__(self) -> int:
        """Return the number of distinct paths."""
        return len(self.length)

    @property
    def start(self) -> NDArray[np.intp]:
        """The (n,) positions in `channel` at which each path begins."""
        return slice_starts(self.length)


def read_path_table(engine: DuckDBEngine, source: Source) -> PathTable:
    """Read a path table; rows of the same path are summed.

    Parameters
    ----------
    engine
        Reads the source; no table stays in it.
    source
        A path or glob of Parquet, CSV or JSON files, a `.sql` file with one select, or a pandas,
        polars or Arrow frame. Its columns have one of the names in `SPELLINGS`, in any case; others
        are ignored. If any path has a ``>`` between blanks, that separates the steps, and a ``>``
        without blanks is part of a name; otherwise every ``>`` separates.

    Raises
    ------
    InputError
        When the source cannot be read, or any of its rows is invalid.
    """
    with open_source(engine, PATHS, source) as relation, read_errors_named(engine, relation):
        return _read(engine, relation)


# --- columns ------------------------------------------------------------------------------------


def _read(engine: DuckDBEngine, relation: Relation) -> PathTable:
    if not engine.scalar(f"select count(*) from {relation.sql}"):
        raise InputError(
            f"{relation.place}: is empty, it has no rows. Check the export that wrote it."
        )
    names = _match_columns(relation)
    frame = engine.frame(_select(engine, relation, names))
    path = _split(relation.place, frame["path"])
    for column in ("conversions", "value", "nulls"):
        if frame[column].null_count():
            _refuse_number(engine, relation, column, names[column], frame[column].is_null())
    rows = PathRows(
        *path,
        conversions=frame["conversions"].to_numpy(),
        value=frame["value"].to_numpy(),
        nulls=frame["nulls"].to_numpy(),
    )
    return PathTable(
        relation.place,
        **vars(canonical_rows(relation.place, rows)),
        has_value="value" in names,
        has_nulls="nulls" in names,
        without_journeys=int((rows.journeys == 0).sum()),
    )


def _match_columns(relation: Relation) -> dict[str, str]:
    """Return the source's name of each column that it has."""
    names: dict[str, str] = {}
    for column in PATHS.columns:
        spellings = SPELLINGS[column.name]
        found = [name for name in relation.columns if normalise_name(name) in spellings]
        if len(found) > 1:
            raise InputError(
                f"{relation.place}: {len(found)} of its columns are names of {column.name!r},"
                f" {_listed(found)}; it has {_listed(relation.columns)}."
                " Drop or rename all but one."
            )
        if column.required and not found:
            raise InputError(
                f"{relation.place}: lacks the required column {column.name!r} (or"
                f" {', '.join(spellings[1:])}); it has {_listed(relation.columns)}."
                " Rename the column, or select it under that name in a .sql source."
            )
        if found:
            names[column.name] = found[0]
    return names


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _select(engine: DuckDBEngine, relation: Relation, names: dict[str, str]) -> str:
    """Return the select of the four columns; invalid numbers are null."""
    path = names["path"]
    if not (_is(_TEXTS, relation, path) or _is(_WHOLE_NUMBERS, relation, path)):
        raise InputError(
            f"{_type_message(engine, relation, path)}, which is not text. Write the steps as text,"
            f" joined by {_SPACED!r}; in a .sql source: array_to_string(steps, {_SPACED!r})."
        )
    columns = [f"cast({quote_identifier(path)} as varchar) as path"]
    for column, fallback in (("conversions", "null"), ("value", "0.0"), ("nulls", "0")):
        number = _number(engine, relation, column, names.get(column), fallback)
        kind = "double" if column == "value" else "bigint"
        columns.append(f"cast({number} as {kind}) as {column}")
    return f"select {', '.join(columns)} from {relation.sql}"


def _number(
    engine: DuckDBEngine, relation: Relation, column: str, name: str | None, fallback: str
) -> str:
    """Return the SQL of a count or value: `fallback` where missing, null where invalid."""
    if name is None:
        return fallback
    if not (_is(_TEXTS, relation, name) or _is(_NUMBERS, relation, name)):
        raise InputError(
            f"{_type_message(engine, relation, name)}, which is not a number."
            " Cast it to one in a .sql source."
        )
    given, count = quote_identifier(name), column != "value"
    if _is(_WHOLE_NUMBERS, relation, name):
        fit = f"{given} between 0 and {MAX_COUNT}" if count else "true"
        return f"case when {given} is null then {fallback} when {fit} then {given} end"
    number, missing = f"try_cast({given} as double)", f"{given} is null"
    if _is(_TEXTS, relation, name):
        given = f"cast({given} as varchar)"
        number, missing = f"try_cast({given} as double)", f"{missing} or trim({given}) = ''"
    if count:
        # The text is exact as a whole number; as a float, 2^53 + 1 would be rounded down.
        whole = f"coalesce(try_cast({given} as hugeint), try_cast({number} as hugeint))"
        fit = f"{number} >= 0 and {number} = trunc({number}) and {whole} <= {MAX_COUNT}"
    else:
        fit = f"isfinite({number})"
    missing = f"{missing} or isnan({number})"
    return f"case when {missing} then {fallback} when {fit} then {number} end"


def _is(types: re.Pattern[str], relation: Relation, name: str) -> bool:
    return types.fullmatch(relation.columns[name]) is not None


def _type_message(engine: DuckDBEngine, relation: Relation, name: str) -> str:
    """Return the start of a message about a column's type, with an example of its values."""
    column = quote_identifier(name)
    example = engine.scalar(
        f"select cast({column} as varchar) from {relation.sql} where {column} is not null limit 1"
    )
    such = "" if example is None else f" (such as {example})"
    return f"{relation.place}: column {name!r} has the type {relation.columns[name]}{such}"


def _refuse_number(
    engine: DuckDBEngine, relation: Relation, column: str, name: str, invalid: pl.Series
) -> NoReturn:
    """Raise the error about the first invalid number of a column."""
    row = invalid.arg_max() or 0
    value = engine.scalar(
        f"select cast({quote_identifier(name)} as varchar) from {relation.sql} limit 1 offset {row}"
    )
    advice = (
        "Write it as digits, such as 1234.50, or leave it empty where it is unknown."
        if column == "value"
        else f"Write a whole number from 0 to 2^53 ({MAX_COUNT})."
    )
    raise InputError(f"{relation.place}: row {row + 1}: {name} {_fault(column, value)}. {advice}")


def _fault(column: str, text: str | None) -> str:
    """Return what is wrong with an invalid number."""
    if text is None or not text.strip() or text.strip().lower() == "nan":
        return "is missing"
    try:
        number = float(text)
    except ValueError:
        return f"{text!r} is not a number"
    if not math.isfinite(number):
        return f"{text!r} is not finite" if column == "value" else f"{text!r} is not a count"
    if number < 0:
        return f"{text!r} is below zero"
    return f"{text!r} is {'above 2^53' if number >= MAX_COUNT else 'not a whole number'}"


# --- steps --------------------------------------------------------------------------------------


def _split(
    place: str, path: pl.Series
) -> tuple[tuple[str, ...], NDArray[np.intp], NDArray[np.intp]]:
    """Split paths into steps.

    Returns
    -------
    names
        The distinct names, sorted.
    channel : (touches,)
        The index of each step's name, path after path.
    length : (n,)
        The number of steps of each path.
    """
    if path.null_count():
        row = path.is_null().arg_max() or 0
        raise InputError(f"{place}: row {row + 1}: the path is missing. Fill it, or drop the row.")
    spaced = bool(path.str.contains(_SPACED, literal=True).any())
    # With a blank at either end, a separator at the start or end of a path is found too.
    steps = ((" " + path + " ") if spaced else path).str.split(_SPACED if spaced else _BARE)
    length = steps.list.len().to_numpy().astype(np.intp)
    found = steps.explode().to_arrow().dictionary_encode()
    code = found.indices.to_numpy()
    stripped = [name.strip(_BLANKS) for name in found.dictionary.to_pylist()]
    # If two separators share a blank, the second one stays at the start of the next step.
    empty = np.array([not name or (spaced and f"{name} ".startswith("> ")) for name in stripped])
    if empty.any():
        row = int(np.searchsorted(np.cumsum(length), empty[code].argmax(), side="right"))
        raise InputError(
            f"{place}: row {row + 1}: the path {path[row]!r} has an empty step. Name every step"
            f" between {(_SPACED if spaced else _BARE)!r}, or drop the row."
        )
    names = sorted(set(stripped))
    number = {name: i for i, name in enumerate(names)}
    return tuple(names), np.array([number[name] for name in stripped], dtype=np.intp)[code], length
