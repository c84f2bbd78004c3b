"""Reads a path table: paths, and how many journeys on each ended with a conversion."""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NoReturn

from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.inputs.path_rows import MAX_COUNT, PathRows, canonical_rows
from lydite.inputs.path_steps import SPACED, note_on_separator, split_paths
from lydite.inputs.schema import Column, Kind, Table
from lydite.inputs.slices import slice_starts
from lydite.inputs.source_rows import read_errors_named
from lydite.inputs.sources import open_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
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
"""Accepted names of each column, in any case, with or without underscores."""

TOTALS = (
    "journeys",
    "total",
    "count",
    "paths",
    "path_count",
    "journey_count",
    "total_count",
    "total_paths",
    "total_journeys",
    "number_of_paths",
    "number_of_journeys",
    "num_paths",
    "num_journeys",
    "n_paths",
    "n_journeys",
    "frequency",
    "path_frequency",
)
"""Accepted names of a column that counts all journeys: conversions and nulls together."""

_MEANINGS = MappingProxyType(
    {column.name: column.description for column in PATHS.columns}
    | {"journeys": "all journeys of the path, with and without a conversion"}
)
# Parts of names by which a column is recognised that is none of the above.
_HINTS = MappingProxyType(
    {
        "nulls": ("null", "nonconv", "notconv", "noconv", "unconv", "withoutconv", "lost"),
        "value": ("value", "revenue", "amount", "sales", "turnover", "income"),
        "conversions": ("conv", "orders", "purchases", "transactions"),
        "journeys": (
            "journey", "count", "total", "user", "session", "visit", "customer", "paths", "freq",
        ),
    }
)  # fmt: skip
_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.+\)")
_TEXTS = re.compile(r"VARCHAR|JSON|ENUM\(.+\)", re.DOTALL)
_WHOLE_NUMBERS = re.compile(r"U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER")
_LISTS = re.compile(
    r"(VARCHAR|ENUM\([^\[]+\)|U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER)\[\d*\]", re.DOTALL
)
_CANDIDATE = "journeys"  # the count of all journeys, from which nulls follow


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
    notes
        How the table was read, as kinds and texts: columns that were not used, the separator.
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
    notes: tuple[tuple[str, str], ...] = ()

    def __len__(self) -> int:
        """Return the number of distinct paths."""
        return len(self.length)

    @property
    def start(self) -> NDArray[np.intp]:
        """The (n,) positions in `channel` at which each path begins."""
        return slice_starts(self.length)


def read_path_table(
    engine: DuckDBEngine, source: Source, separator: str | None = None
) -> PathTable:
    """Read a path table; rows of the same path are summed.

    Parameters
    ----------
    engine
        Reads the source; no table stays in it.
    source
        A path or glob of Parquet, CSV or JSON files, a `.sql` file with one select, or a pandas,
        polars or Arrow frame. Its columns have names in `SPELLINGS`, in any case, with or without
        underscores. Where a column has a name in `TOTALS` and none has the nulls, these
        are that count minus the conversions. Other columns are listed in `PathTable.notes`.
        Paths are text, or lists of names, also as JSON arrays in text.
    separator
        The text between two steps. None detects it: if any path has a ``>`` between blanks, that
        separates the steps, and a ``>`` without blanks is part of a name; otherwise every ``>``
        separates; without any ``>``, one of several arrows, ``|``, ``;`` and ``,``.

    Raises
    ------
    InputError
        When the source cannot be read, or any of its rows is invalid.
    """
    with open_source(engine, PATHS, source) as relation, read_errors_named(engine, relation):
        return _read(engine, relation, separator)


# --- columns ------------------------------------------------------------------------------------


def _read(engine: DuckDBEngine, relation: Relation, separator: str | None) -> PathTable:
    if not engine.scalar(f"select count(*) from {relation.sql}"):
        raise InputError(
            f"{relation.place}: is empty, it has no rows. Check the export that wrote it."
        )
    names = _match_columns(relation)
    frame = engine.frame(_select(engine, relation, names))
    steps = split_paths(relation.place, frame["path"], separator)
    for column in ("conversions", "value", "nulls"):
        name = names.get(column) or names.get(_CANDIDATE, column)
        if frame[column].null_count():
            _refuse_number(engine, relation, column, name, frame[column].is_null())
    conversions, nulls = frame["conversions"].to_numpy(), frame["nulls"].to_numpy()
    if _CANDIDATE in names:
        nulls = nulls - conversions
        _refuse_small_total(relation.place, names, conversions, nulls)
    rows = PathRows(
        steps.channels,
        steps.channel,
        steps.length,
        conversions=conversions,
        value=frame["value"].to_numpy(),
        nulls=nulls,
    )
    notes = _notes_on_columns(relation, names)
    split = note_on_separator(steps) if separator is None else None
    notes += [("separator", split)] if split else []
    return PathTable(
        relation.place,
        **vars(canonical_rows(relation.place, rows)),
        has_value="value" in names,
        has_nulls="nulls" in names or _CANDIDATE in names,
        without_journeys=int((rows.journeys == 0).sum()),
        notes=tuple(notes),
    )


def _match_columns(relation: Relation) -> dict[str, str]:
    """Return the source's name of each column that it has.

    Where there is no column of nulls, the name of the count of all journeys is under `_CANDIDATE`.
    """
    names: dict[str, str] = {}
    for column in PATHS.columns:
        spellings = SPELLINGS[column.name]
        found = _named(relation, spellings)
        if column.name == "path" and len(found) > 1:
            found = [name for name in found if _plain(name) != "paths"]  # a count in this case
        _refuse_several(relation, column.name, found)
        if column.required and not found:
            raise InputError(
                f"{relation.place}: lacks the required column {column.name!r} (or"
                f" {', '.join(spellings[1:])}); it has {_listed(relation.columns)}."
                " Rename the column, or select it under that name in a .sql source."
            )
        if found:
            names[column.name] = found[0]
    if "nulls" not in names:
        found = [name for name in _named(relation, TOTALS) if name not in names.values()]
        _refuse_several(relation, "count of all journeys", found)
        if found:
            names[_CANDIDATE] = found[0]
    return names


def _plain(name: str) -> str:
    """Return a column name in lower case, without blanks and punctuation."""
    return re.sub(r"[\W_]+", "", name.lower())


def _named(relation: Relation, spellings: Iterable[str]) -> list[str]:
    """Return the source's columns that have one of the names."""
    plain = set(map(_plain, spellings))
    return [name for name in relation.columns if _plain(name) in plain]


def _refuse_several(relation: Relation, column: str, found: list[str]) -> None:
    if len(found) > 1:
        raise InputError(
            f"{relation.place}: {len(found)} of its columns are names of {column!r},"
            f" {_listed(found)}; it has {_listed(relation.columns)}."
            " Drop or rename all but one."
        )


def _refuse_small_total(
    place: str,
    names: dict[str, str],
    conversions: NDArray[np.int64],
    nulls: NDArray[np.int64],
) -> None:
    """Refuse a count of all journeys that is smaller than the conversions."""
    if not (nulls < 0).any():
        return
    row = int((nulls < 0).argmax())
    total, converted = names[_CANDIDATE], names["conversions"]
    raise InputError(
        f"{place}: row {row + 1}: {total} {conversions[row] + nulls[row]} is smaller than"
        f" {converted} {conversions[row]}, but it has to count all journeys of the path, with and"
        f" without a conversion. If {total!r} counts those without, rename it to 'nulls'; if it"
        " counts something else, drop or rename it."
    )


def _notes_on_columns(relation: Relation, names: dict[str, str]) -> list[tuple[str, str]]:
    """Return a note on each column that is not used, with the column that may be meant."""
    notes = []
    for name in relation.columns:
        if name not in names.values():
            hint = _hint(relation, name, names)
            notes.append(("unused_column", f"the column {name!r} is not used{hint}"))
    return notes


def _hint(relation: Relation, name: str, names: dict[str, str]) -> str:
    """Return what to do with an unused column that looks like a missing one; else nothing."""
    if not (_is(_NUMBERS, relation, name) or _is(_TEXTS, relation, name)):
        return ""
    plain = _plain(name)
    if plain in map(_plain, TOTALS):
        return f": {names['nulls']!r} already counts the journeys without a conversion"
    # Nulls and the count of all journeys follow from each other: if one is there, both are known.
    known = {*names, *(("nulls", _CANDIDATE) if {"nulls", _CANDIDATE} & names.keys() else ())}
    meant = next((c for c, parts in _HINTS.items() if any(part in plain for part in parts)), None)
    if meant is None:
        spellings = {_plain(s): c for c, texts in SPELLINGS.items() for s in texts}
        spellings |= {_plain(s): _CANDIDATE for s in TOTALS}
        close = difflib.get_close_matches(plain, spellings, n=1, cutoff=0.8)
        meant = spellings[close[0]] if close else None
    if meant is None or meant in known:
        return ""
    return f": if it holds {_MEANINGS[meant]}, rename it to {meant!r}"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names))


def _select(engine: DuckDBEngine, relation: Relation, names: dict[str, str]) -> str:
    """Return the select of the four columns; invalid numbers are null."""
    path = names["path"]
    if not any(_is(kind, relation, path) for kind in (_TEXTS, _WHOLE_NUMBERS, _LISTS)):
        raise InputError(
            f"{_type_message(engine, relation, path)}, which is neither text nor a list of names."
            f" Write the steps as text, joined by {SPACED!r}, or as a list."
        )
    kind = "varchar[]" if _is(_LISTS, relation, path) else "varchar"
    columns = [f"cast({quote_identifier(path)} as {kind}) as path"]
    total = names.get(_CANDIDATE)
    sources = {**names, "nulls": total} if total else names
    fallbacks = {"conversions": "null", "value": "0.0", "nulls": "null" if total else "0"}
    for column, fallback in fallbacks.items():
        number = _number(engine, relation, column, sources.get(column), fallback)
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
