"""Loads a table from the files that have changed since the last run; other rows stay.

In a DuckDB file, every row of a table that is loaded by file has the number of its file in the
column `FILE_COLUMN`, and ``quality.source_files`` has the size and the times of each file. Rows of
files that are new, changed or gone are replaced. All files are read again if the settings or the
code have changed, or if the changed files would not be read by the same casts as the others. If
rows of one file depend on those of others, the table is not loaded by file.

The users whose rows may have changed are written to `CHANGED_USERS`, run after run until journeys
are built. Without that table, any user may have changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from lydite.engine import DuckDBEngine, load_sql
from lydite.engine.duckdb import quote_identifier
from lydite.inputs import sources
from lydite.inputs.files import FILE_COLUMN
from lydite.inputs.source_rows import Relation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lydite.engine import Engine
    from lydite.inputs.rules import Rule
    from lydite.inputs.schema import Table
    from lydite.inputs.sources import Source
    from lydite.inputs.timezones import Zone
    from lydite.settings import ChannelSettings, CurrencySettings

#: The ids of users whose input rows may have changed since journeys were built, and whether they
#: may have lost rows.
CHANGED_USERS = "quality.changed_users"
ABOUT_COLUMN = "number of the file that the row was read from, in quality.source_files"
_FILES, _DEFINITIONS = "quality.source_files", "quality.source_definitions"
#: The tables that are loaded by file. Rows of others depend on each other: conversions are merged
#: by id over all files, and users by their first row.
TABLES = ("touchpoints",)
#: A file that was written so shortly before it is read may be written again at the same time stamp.
_UNSETTLED_NS = 2_000_000_000
_UNKNOWN_SIZE = -1
#: Rows with this reason may be accepted in a later run.
_FUTURE = "future_touched_at"
_SCHEMA = {
    "table_name": pl.String,
    "file": pl.String,
    "number": pl.Int32,
    "size": pl.Int64,
    "modified_ns": pl.Int64,
    "changed_ns": pl.Int64,
}


@dataclass(frozen=True)
class SourceFiles:
    """The files of a source, and which of them must be read.

    Attributes
    ----------
    table
        Name of the input table.
    states
        Size, time of the last modification and of the last change of each file.
    numbers
        The numbers of the files to read, in their order.
    replaced
        The numbers of the files whose rows go: those that have changed or are gone.
    whole
        Why all files must be read; None where only changed ones must.
    found_ns
        When the states were read.
    """

    table: str
    states: Mapping[str, tuple[int, int, int]]
    numbers: Mapping[str, int]
    replaced: Sequence[int] = ()
    whole: str | None = None
    found_ns: int = field(default_factory=time.time_ns)

    def all(self, reason: str) -> SourceFiles:
        """Return the same files, all to be read for a reason."""
        numbers = {file: number for number, file in enumerate(self.states)}
        return SourceFiles(self.table, self.states, numbers, (), reason, self.found_ns)

    def __str__(self) -> str:
        """Describe what is read."""
        if self.whole is not None:
            return f"all files: {self.whole}"
        return f"{len(self.numbers):,} of {len(self.states):,} files"


def find_source_files(
    engine: Engine,
    table: Table,
    source: Source | None,
    rules: Mapping[str, Rule],
    names: ChannelSettings,
    currency: CurrencySettings | None,
) -> SourceFiles | None:
    """Return the files of a source that is loaded by file, None for others.

    Raises
    ------
    InputError
        When there is no such file.
    """
    is_by_file = (
        table.name in TABLES
        and isinstance(engine, DuckDBEngine)
        and engine.is_persistent
        and not _depends_on_other_rows(rules, names, currency)
    )
    if not is_by_file or not isinstance(source, str | Path):
        return None
    found = sources.local_files(table.name, source)
    if found is None:
        return None
    found_ns, states = time.time_ns(), {file: _state(file) for file in found}
    stored = _stored(engine, table.name)
    kept = {file for file, (_, state) in stored.items() if states.get(file) == state}
    if not kept:
        reason = "all have changed" if stored else "no earlier run has loaded them by file"
        return SourceFiles(table.name, states, {}, found_ns=found_ns).all(reason)
    first = 1 + max(number for number, _ in stored.values())
    to_read = [file for file in states if file not in kept]
    numbers = {file: number for number, file in enumerate(to_read, start=first)}
    replaced = [number for file, (number, _) in stored.items() if file not in kept]
    return SourceFiles(table.name, states, numbers, replaced, found_ns=found_ns)


def _stored(engine: Engine, table: str) -> dict[str, tuple[int, tuple[int, ...]]]:
    """Return the number and the state of each file whose rows a table has."""
    loaded = f"inputs.{table}"
    if not engine.exists(_FILES) or not engine.exists(loaded):
        return {}
    if FILE_COLUMN not in engine.columns(loaded):
        return {}
    rows = engine.rows(
        f"select file, number, size, modified_ns, changed_ns from {_FILES}"
        " where table_name = $name",
        {"name": table},
    )
    return {file: (number, tuple(state)) for file, number, *state in rows}


def _depends_on_other_rows(
    rules: Mapping[str, Rule], names: ChannelSettings, currency: CurrencySettings | None
) -> bool:
    """Return whether which rows are accepted, or their values, depend on rows of other files."""
    sets_aside = any(rule.severity == "set_aside" for rule in rules.values())
    return sets_aside or names.mapping is not None or currency is not None


def _state(file: str) -> tuple[int, int, int]:
    """Return the size of a file, and when its content and anything about it was changed."""
    found = Path(file).stat()
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _kept_state(state: tuple[int, int, int], found_ns: int) -> tuple[int, int, int]:
    """Return the state to store: without the size, the file is read again in the next run."""
    is_old = found_ns - max(state[1:]) > _UNSETTLED_NS
    return state if is_old else (_UNKNOWN_SIZE, *state[1:])


def without_numbers(relation: Relation) -> Relation:
    """Return a relation without the numbers of its files."""
    if FILE_COLUMN not in relation.columns:
        return relation
    columns = {name: kind for name, kind in relation.columns.items() if name != FILE_COLUMN}
    sql = f"(select * exclude ({quote_identifier(FILE_COLUMN)}) from {relation.sql})"
    return Relation(relation.place, sql, columns, relation.malformed)


# --- how files are read ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Definition:
    """How the rows of a table were read.

    Attributes
    ----------
    columns
        The types of the columns of the source.
    definition
        Digest of the casts and checks of all columns.
    empty
        The same for a source with these columns and no rows: equal if types alone decide.
    zone
        What the times say about their zone.
    """

    columns: Mapping[str, str]
    definition: str
    empty: str
    zone: Zone | None

    def without_rows(self, place: str) -> Relation:
        """Return a relation with the same columns and no rows."""
        return no_rows(Relation(place, "", dict(self.columns)))


def no_rows(relation: Relation) -> Relation:
    """Return a relation with the same columns and no rows."""
    columns = ", ".join(
        f"cast(null as {kind}) as {quote_identifier(name)}"
        for name, kind in relation.columns.items()
    )
    return Relation(relation.place, f"(select {columns} where false)", relation.columns)


def define(engine: Engine, table: Table, relation: Relation, select: str, zone: Zone | None) -> str:
    """Return a digest of how rows are read: the casts of all columns, and the checks."""
    parts = [
        select.replace(relation.sql, "{relation}"),
        str(relation.columns),
        str(zone),
        load_sql(table.sql),
        engine.local.timezone,
        duckdb.__version__,
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def read_definition(engine: Engine, table: str) -> Definition | None:
    """Return how the rows of a table were read; None where it was not loaded by file."""
    if not engine.exists(_DEFINITIONS):
        return None
    for columns, *others in engine.rows(
        f"select columns, definition, empty, zone from {_DEFINITIONS} where table_name = $name",
        {"name": table},
    ):
        return Definition(json.loads(columns), *others)
    return None


def write_definitions(
    engine: DuckDBEngine,
    files: SourceFiles,
    relation: Relation,
    definitions: Sequence[str | None],
    zone: Zone | None,
) -> None:
    """Store how the rows of a table were read, and how those of an empty source would be."""
    forget_files(engine, files.table)
    names = ("table_name", "columns", "definition", "empty", "zone")
    row = (files.table, json.dumps(relation.columns), *definitions, zone)
    frame = pl.DataFrame([row], schema=dict.fromkeys(names, pl.String), orient="row")
    with engine.registered(frame) as name:
        engine.append(_DEFINITIONS, f"from {name}")


# --- rows -----------------------------------------------------------------------------------------


def replace_rows(
    engine: Engine, files: SourceFiles, good: str, bad: str, parameters: Mapping[str, object]
) -> None:
    """Replace the rows of files that have changed or are gone, and note their users.

    Parameters
    ----------
    files
        The files to read.
    good, bad
        Selects of the accepted and of the bad rows of these files.
    parameters
        The parameters of the selects.
    """
    accepted, aside = f"inputs.{files.table}", f"quarantine.{files.table}"
    if files.replaced:
        replaced = f"where {FILE_COLUMN} in ({', '.join(map(str, files.replaced))})"
        _add_changed_users(
            engine, f"select distinct user_id, true as may_have_lost from {accepted} {replaced}"
        )
        for table in (accepted, aside):
            engine.run(f"delete from {table} {replaced}")
    if files.numbers:
        engine.append(accepted, good, parameters)
        engine.append(aside, bad, parameters)
        new = f"where {FILE_COLUMN} >= {min(files.numbers.values())}"
        _add_changed_users(
            engine, f"select distinct user_id, false as may_have_lost from {accepted} {new}"
        )


@contextlib.contextmanager
def compared(engine: Engine, table: str) -> Iterator[None]:
    """Note the users whose conversions differ after the block from those before."""
    name, before = f"inputs.{table}", "inputs.conversions_before"
    if table != "conversions" or not engine.exists(CHANGED_USERS):
        yield
        return
    if not engine.exists(name):  # the rows before are elsewhere, such as in a load of some days
        yield
        forget_changed_users(engine)
        return
    engine.create(before, f"select * from {name}")
    yield
    columns = ", ".join(map(quote_identifier, engine.columns(name)))
    _add_changed_users(engine, _DIFFERENT.format(columns=columns, before=before, now=name))
    engine.drop(before)


_DIFFERENT = """
select user_id, max(lost) > 0 as may_have_lost
from (
    select {columns}, sum(row) as lost
    from (
        select {columns}, 1 as row from {before}
        union all
        select {columns}, -1 as row from {now}
    )
    group by {columns}
)
where lost <> 0
group by user_id
"""


def forget_files(engine: Engine, table: str) -> None:
    """Forget which files a table was loaded from, and so which users have changed."""
    if table not in TABLES:
        return
    for name in (_FILES, _DEFINITIONS):
        if engine.exists(name):
            engine.run(f"delete from {name} where table_name = $name", {"name": table})
    forget_changed_users(engine)


def write_files(engine: DuckDBEngine, files: SourceFiles) -> int:
    """Store the states of the files that were read, after their rows.

    Returns
    -------
    int
        How many rows the files had that are neither in the table nor in its quarantine: those of
        users who were erased since.
    """
    parameters = {"name": files.table, "future": _FUTURE}
    if files.replaced:
        replaced = ", ".join(map(str, files.replaced))
        engine.run(
            f"delete from {_FILES} where table_name = $name and number in ({replaced})", parameters
        )
    rows = [
        (files.table, file, number, *_kept_state(files.states[file], files.found_ns))
        for file, number in files.numbers.items()
    ]
    counted = {
        "table": files.table,
        "column": FILE_COLUMN,
        "first": min(files.numbers.values(), default=0),
        "digest": _digest(engine, files.table),
    }
    if rows:
        with engine.registered(pl.DataFrame(rows, schema=_SCHEMA, orient="row")) as name:
            engine.append(_FILES, _COUNTED.format(frame=name, **counted))
    engine.run(
        f"update {_FILES} set size = {_UNKNOWN_SIZE} where table_name = $name and number in"
        f" (select {FILE_COLUMN} from quarantine.{files.table} where reason = $future)",
        parameters,
    )
    return int(engine.scalar(_MISSING.format(files=_FILES, table=files.table), parameters))


# Files that were read before have smaller numbers.
_COUNTED = """
with numbers as (
    select {column} as number from inputs.{table}
    union all
    select {column} from quarantine.{table}
),

found as (
    select number, count(*) as rows from numbers where number >= {first} group by number
),

accepted as (
    select {column} as number, {digest}
    from inputs.{table}
    where {column} >= {first}
    group by {column}
)

select
    files.*,
    coalesce(found.rows, 0) as rows,
    coalesce(accepted.accepted, 0) as accepted,
    accepted.hash_sum,
    accepted.hash_xor
from {frame} as files
left join found on files.number = found.number
left join accepted on files.number = accepted.number
"""
_MISSING = """
select
    (select coalesce(sum(rows), 0) from {files} where table_name = $name)
    - (select count(*) from inputs.{table}) - (select count(*) from quarantine.{table})
"""


def digest_rows(engine: DuckDBEngine, table: str) -> tuple[int, ...]:
    """Return a digest of the rows of an input table, whatever their order and file.

    It is added up from what was found when each file was read, unless rows have been deleted since.
    """
    loaded = f"inputs.{table}"
    if FILE_COLUMN in engine.columns(loaded) and engine.exists(_FILES):
        parameters = {"name": table}
        [(rows, *hashes)] = engine.rows(_ADDED_UP.format(files=_FILES), parameters)
        if rows == engine.scalar(f"select count(*) from {loaded}"):
            return (rows, *hashes)
    [found] = engine.rows(f"select {_digest(engine, table)} from {loaded}")
    return tuple(found)


def _digest(engine: DuckDBEngine, table: str) -> str:
    """Return the aggregates that `digest_rows` is made of; those of several files add up."""
    columns = ", ".join(
        quote_identifier(name) for name in engine.columns(f"inputs.{table}") if name != FILE_COLUMN
    )
    return (
        f"count(*) as accepted, sum(cast(hash({columns}) as hugeint)) as hash_sum,"
        f" bit_xor(hash(1, {columns})) as hash_xor"
    )


_ADDED_UP = """
select cast(sum(accepted) as bigint), cast(sum(hash_sum) as hugeint), bit_xor(hash_xor)
from {files}
where table_name = $name
"""


# --- changed users --------------------------------------------------------------------------------


def _add_changed_users(engine: Engine, select: str) -> None:
    """Add the ids of users to the changed ones, unless any user may have changed already."""
    if engine.exists(CHANGED_USERS):
        engine.append(CHANGED_USERS, select)


def forget_changed_users(engine: Engine) -> None:
    """Note that any user may have changed."""
    engine.drop(CHANGED_USERS)


def reset_changed_users(engine: Engine) -> None:
    """Note that no user has changed since journeys were built.

    Where the touchpoints are not loaded by file, nothing is noted.
    """
    if FILE_COLUMN in engine.columns("inputs.touchpoints"):
        engine.create(
            CHANGED_USERS,
            "select cast(null as varchar) as user_id, false as may_have_lost where false",
        )
    else:
        engine.drop(CHANGED_USERS)
