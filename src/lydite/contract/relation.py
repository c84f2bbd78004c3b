"""What a source becomes: rows that SQL can read, and where they came from."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

_FILE = re.compile(r"^\s*file = (.+)$", re.MULTILINE)
_TALK = re.compile(r"\n\s*\n|\n\s*(?:LINE \d|Possible )")


@dataclass(frozen=True)
class Relation:
    """Rows as they came.

    Parameters
    ----------
    place
        Table and source for messages, such as ``touchpoints (data/t.csv)``.
    sql
        What stands after ``from``.
    columns
        The columns' DuckDB types by name, in order.
    """

    place: str
    sql: str
    columns: dict[str, str]


def refuse_twins(place: str, names: Sequence[str]) -> None:
    """Raise when a column name stands twice, in whatever case."""
    counts = Counter(map(plain, names))
    twice = [name for name, count in counts.items() if count > 1]
    if twice:
        same = [name for name in names if plain(name) == twice[0]]
        raise InputError(
            f"{place}: the column name {same[0]!r} stands {len(same)} times"
            f" ({', '.join(map(repr, same))}; case does not count). Rename or drop all but one."
        )


def plain(name: str) -> str:
    """Return a column's name as names are compared: without case, and without blanks around."""
    return name.strip().lower()


def is_unreadable(error: duckdb.Error) -> bool:
    """Tell whether an error is about what is read, not about the statement or the machine.

    Over some corrupt Parquet, DuckDB raises its bare base class.
    """
    about_data = (duckdb.IOException, duckdb.InvalidInputException, duckdb.ConversionException)
    return type(error) is duckdb.Error or isinstance(error, about_data)


def gist(error: Exception) -> str:
    """Return the first paragraph of DuckDB's message in one line, and the file if it names one."""
    text = str(error)
    lines = (line.strip() for line in _TALK.split(text)[0].splitlines())
    about = "; ".join(line for line in lines if line).rstrip(".")
    file = _FILE.search(text)
    return f"{file[1]}: {about}" if file else about


def quoted_name(name: str) -> str:
    """Return `name` as a SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
