"""Deletes the rows of users on the list of erasures, and of ids that belong to the same person.

Of an id, only the md5 digest is kept, so that rows that are delivered again are deleted again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from lydite.engine import DuckDBEngine
from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.inputs.casting import text_of
from lydite.inputs.changed_files import forget_changed_users
from lydite.inputs.files import FILE_COLUMN
from lydite.journeys.merges import find_components
from lydite.journeys.people import number_ids, read_pairs

if TYPE_CHECKING:
    from lydite.engine import Engine
    from lydite.settings import PeopleSettings

NOT_ON_SPARK = "erasures need DuckDB: delete the users in the tables that Spark reads"
#: Digests of all ids that were ever erased.
_ERASED = "inputs.erased"
_LIST = "inputs.erasures"
_ID_COLUMNS = ("user_id", "anonymous_id")
_TABLES = """
select schema_name, table_name
from duckdb_tables()
where database_name = current_database()
    and schema_name in ('inputs', 'landing', 'quarantine', 'raw')
    and schema_name || '.' || table_name not in ('inputs.erasures', 'inputs.erased')
order by 1, 2
"""
_REQUIRED = ("touchpoints", "conversions")
_NESTED = ("STRUCT", "MAP", "JSON")


def erase_users(engine: Engine, settings: PeopleSettings) -> int:
    """Delete the rows of erased users from the input tables; ``inputs.report`` counts them.

    Parameters
    ----------
    engine
        Holds the input tables.
    settings
        Says which ids have too many partners: erasures do not extend over these.

    Returns
    -------
    int
        Number of rows that were deleted from the tables of the schema ``inputs``.

    Raises
    ------
    InputError
        On Spark, or when no touchpoint or conversion is left.
    """
    if not _has_rows(engine, _LIST) and not _has_rows(engine, _ERASED):
        return 0
    if not isinstance(engine, DuckDBEngine):
        raise InputError(NOT_ON_SPARK)
    filled = [name for name in _REQUIRED if _has_rows(engine, f"inputs.{name}")]
    with engine.transaction():
        _extend(engine, settings)
        deleted = 0
        for schema, name in engine.rows(_TABLES):
            for reason, n in _delete(engine, f"{schema}.{name}", everywhere=schema == "quarantine"):
                if schema in {"inputs", "quarantine"}:
                    _report(engine, name, reason or "accepted", n)
                deleted += n if schema == "inputs" else 0
        if deleted:
            forget_changed_users(engine)
        for name in filled:
            if not _has_rows(engine, f"inputs.{name}"):
                raise InputError(f"{name}: all rows belong to users on the list of erasures")
    return deleted


def not_erased(engine: Engine) -> str:
    """Return the condition that a column ``user_id`` has no erased id."""
    if not engine.exists(_ERASED):
        return "true"
    return f"md5(user_id) not in (select digest from {_ERASED})"


def _has_rows(engine: Engine, table: str) -> bool:
    return engine.exists(table) and bool(engine.scalar(f"select count(*) from {table}"))


def _extend(engine: DuckDBEngine, settings: PeopleSettings) -> None:
    """Add the digests of the list, and of the ids that pairs join with them, to those before."""
    listed = f"select user_id as digest from {_LIST}" if engine.exists(_LIST) else ""
    before = f"select digest from {_ERASED}" if engine.exists(_ERASED) else ""
    engine.create(_ERASED, " union ".join(filter(None, (listed, before))))
    if not _has_rows(engine, "inputs.identities"):
        return
    engine.drop("people.accounts")  # erasures do not extend over accounts
    number_ids(engine)
    pairs, _ = read_pairs(engine, settings.max_partners)
    erased = engine.fetch_numpy(
        f"select number from people.ids where md5(id) in (select digest from {_ERASED})"
    )["number"]
    component = find_components(pairs)
    linked = np.flatnonzero(np.isin(component, component[erased.astype(np.int64)]))
    with engine.registered(pl.DataFrame({"number": linked})) as name:
        engine.append(
            _ERASED,
            "select md5(ids.id) as digest from people.ids as ids"
            f" inner join {name} as linked on ids.number = linked.number"
            f" where md5(ids.id) not in (select digest from {_ERASED})",
        )
    for name in ("ids", "accounts"):
        engine.drop(f"people.{name}")


def _delete(engine: DuckDBEngine, table: str, *, everywhere: bool) -> list[tuple[str | None, int]]:
    """Delete the rows with an erased id, in id columns or anywhere.

    Returns
    -------
    list of (str or None, int)
        The number of rows by the reason for which they were set aside, None for others.
    """
    conditions = [
        _contains(name, kind)
        for name, kind in engine.columns(table).items()
        if (everywhere and name != FILE_COLUMN) or name.strip().lower() in _ID_COLUMNS
    ]
    if not conditions:
        return []
    found = " or ".join(conditions)
    reason = "reason" if everywhere else "null"
    rows = engine.rows(
        f"select {reason} as reason, count(*) as n from {table} where {found}"
        " group by all having n > 0"
    )
    if rows:
        engine.run(f"delete from {table} where {found}")
    return [(None if why is None else str(why), int(n)) for why, n in rows]


def _contains(name: str, kind: str) -> str:
    """Return the condition that a value is an erased id, or holds one if it is nested."""
    if not kind.startswith(_NESTED) and not kind.endswith("]"):
        return f"coalesce(md5({text_of(name, kind)}) in (select digest from {_ERASED}), false)"
    text = f"cast(to_json({quote_identifier(name)}) as varchar)"
    # Quoted text as a whole, and what is between punctuation, such as numbers.
    words = (
        f'list_concat(regexp_extract_all({text}, \'"((?:[^"\\\\]|\\\\.)*)"\', 1),'
        f" regexp_extract_all({text}, '[^\"{{}}\\[\\]:,]+'))"
    )
    digests = f"(select list(digest) from {_ERASED})"
    return f"coalesce(list_has_any(list_transform({words}, word -> md5(word)), {digests}), false)"


def _report(engine: DuckDBEngine, table: str, reason: str, n: int) -> None:
    """Count deleted rows as erased instead of accepted or set aside."""
    if not engine.exists("inputs.report"):
        return
    values = {"name": table, "reason": reason, "n": n}
    engine.run(
        "update inputs.report set rows = rows - $n where table_name = $name and reason = $reason",
        values,
    )
    engine.run(
        "delete from inputs.report where table_name = $name and reason = $reason and rows = 0"
        " and reason not in ('accepted', 'duplicate')",
        values,
    )
    engine.run(
        "insert into inputs.report by name"
        " select $name as table_name, 'erased' as reason, 0 as rows where not exists"
        " (select 1 from inputs.report where table_name = $name and reason = 'erased')",
        values,
    )
    engine.run(
        "update inputs.report set rows = rows + $n where table_name = $name and reason = 'erased'",
        values,
    )
