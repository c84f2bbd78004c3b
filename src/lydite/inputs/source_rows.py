"""Rows of a source as a relation that SQL can read, and errors that name the source."""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lydite.engine import Engine
    from lydite.inputs.schema import Table

_ADVICE = re.compile(r"\n\s*(?:LINE \d|Possible |Try |file = )")
_CLASS = re.compile(r"^[A-Z][A-Za-z ]+ Error: ")
_LONGEST = 500  # after an unclosed quote, DuckDB quotes the rest of the file
_HALF = 200
_CONDITION = re.compile(
    r"\[([A-Z_]{5,}[A-Z_.]*)\] ([^\n]+?)(?: SQLSTATE|\n|$)"
)  # in Spark's messages


@dataclass(frozen=True)
class Relation:
    """Unchanged rows of a source.

    Parameters
    ----------
    place
        Table and source for messages, such as ``touchpoints (data/t.csv)``.
    sql
        What follows ``from`` in SQL.
    columns
        The columns' DuckDB types by name, in order.
    malformed
        The table of the lines that could not be read, None where all could.
    """

    place: str
    sql: str
    columns: dict[str, str]
    malformed: str | None = None


def empty_relation(table: Table, place: str) -> Relation:
    """Return a relation without rows that has the table's columns."""
    types = {column.name: column.type for column in table.columns}
    columns = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in types.items())
    return Relation(place, f"(select {columns} where false)", types)


def refuse_duplicate_columns(place: str, names: Sequence[str]) -> None:
    """Raise when two columns have the same name; case does not matter."""
    counts = Counter(map(normalise_name, names))
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        same = [name for name in names if normalise_name(name) == twice[0]]
        raise InputError(
            f"{place}: the column name {same[0]!r} occurs {len(same)} times"
            f" ({', '.join(map(repr, same))}; case does not matter). Rename or drop all but one."
        )


def normalise_name(name: str) -> str:
    """Return a column name in lower case, without blanks around it."""
    return name.strip().lower()


@contextlib.contextmanager
def read_errors_named(engine: Engine, relation: Relation) -> Iterator[None]:
    """Turn the engine's errors about data that it reads into errors that name the source."""
    try:
        yield
    except engine.error as error:
        if not is_read_error(error):
            raise
        raise InputError(
            f"{relation.place}: cannot be read: {short_message(error)}."
            " It is damaged, or changed while it was read: write it again."
        ) from error


def is_read_error(error: Exception) -> bool:
    """Return whether an error is about the data, not about the statement or the machine.

    For some corrupt Parquet, DuckDB raises its base class itself. Spark has named conditions.
    """
    condition = _CONDITION.search(str(error))
    if condition is not None:
        return condition[1].startswith("FAILED_READ_FILE")
    about_data = (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException)
    return type(error) is duckdb.Error or isinstance(error, about_data)


def short_message(error: Exception) -> str:
    """Return an error's message in one line, without the engine's advice and settings."""
    condition = _CONDITION.search(str(error))
    if condition is not None:
        return f"{condition[1]}: {condition[2].rstrip('. ')}"
    lines = (line.strip() for line in _ADVICE.split(str(error))[0].splitlines())
    about = "; ".join(line for line in lines if line).rstrip(".")
    about = _CLASS.sub("", about)
    return about if len(about) <= _LONGEST else f"{about[:_HALF]} ... {about[-_HALF:]}"
