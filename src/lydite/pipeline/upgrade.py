"""Brings the warehouse of an earlier version up to date, and keeps the evidence in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.evaluation.ledger import check_columns
from lydite.pipeline.runs import TABLE as RUNS
from lydite.pipeline.runs import add_missing_columns, lydite_version

if TYPE_CHECKING:
    from lydite.engine import DuckDBEngine

#: The version of the tables that outlive a run. To be raised, with a step in `_STEPS`, when a
#: version of Lydite cannot use those of the version before.
WAREHOUSE_VERSION = 3
TABLE = "quality.warehouse_version"
# Evidence that cannot be computed again: scores as they were first written, decisions and changes
# of verdicts, rows read from databases, digests of erased ids, and the record of runs.
_KEPT_SCHEMAS = ("ledger", "decisions", "landing")
_KEPT_TABLES = ("inputs.erased", RUNS, TABLE)
_COMPUTED_SCHEMAS = (
    "contract", "credit", "evaluation", "inputs", "journeys", "mart", "people", "quality",
    "quarantine", "raw",
)  # fmt: skip
# Views first: they read tables.
_TABLES = """
select 'view', schema_name, view_name from duckdb_views()
where database_name = current_database() and schema_name in {schemas} and not internal
union all
select 'table', schema_name, table_name from duckdb_tables()
where database_name = current_database() and schema_name in {schemas}
order by 1 desc, 2, 3
"""


def warehouse_version(engine: DuckDBEngine) -> int | None:
    """Return the version of the tables of a warehouse; None where there are no tables yet.

    Files of versions that wrote none have 0.
    """
    if engine.exists(TABLE):
        return int(engine.scalar(f"select version from {TABLE}"))
    return 0 if _tables(engine, (*_KEPT_SCHEMAS, *_COMPUTED_SCHEMAS)) else None


def upgrade_warehouse(engine: DuckDBEngine) -> str | None:
    """Bring a warehouse up to date; to be called before anything else reads it.

    The evidence is kept: the ledger, decisions, rows read from databases, digests of erased ids and
    the record of runs. Everything that a run computes is dropped, and so computed again. Tables in
    other schemas are not touched. If the file cannot be upgraded, it stays as it was.

    Parameters
    ----------
    engine
        An open DuckDB file; one in memory, or a temporary one, stays as it is.

    Returns
    -------
    What was done, in a sentence; None if the file was up to date.

    Raises
    ------
    InputError
        When a later version wrote the file, or its evidence cannot be used; the message has the
        command to run.
    """
    if not engine.is_persistent:
        return None
    found = warehouse_version(engine)
    if found == WAREHOUSE_VERSION:
        return None
    if found is None:
        _write_version(engine)
        return None
    refuse_later_warehouse(engine)
    with engine.transaction():
        for step in _STEPS[found:]:
            step(engine)
        dropped = _drop_computed(engine)
        _write_version(engine)
    return (
        f"the warehouse was upgraded from version {found} of its tables to {WAREHOUSE_VERSION}: the"
        f" ledger and all decisions were kept; {dropped} tables are computed again in the next run"
    )


def refuse_later_warehouse(engine: DuckDBEngine) -> None:
    """Refuse a warehouse that a later version of Lydite wrote.

    Raises
    ------
    InputError
        When its tables have a later version; the message has the command to run.
    """
    found = warehouse_version(engine) or 0
    if found > WAREHOUSE_VERSION:
        writer = engine.scalar(f"select lydite_version from {TABLE}")
        raise InputError(
            f"{_file(engine)} was written by Lydite {writer} with version {found} of the tables;"
            f" Lydite {lydite_version()} writes {WAREHOUSE_VERSION}. Update Lydite:"
            " pip install --upgrade lydite"
        )


def _to_1(engine: DuckDBEngine) -> None:
    """Upgrade a file without a version."""
    try:
        check_columns(engine)
    except InputError as error:
        file = _file(engine)
        raise InputError(
            f"{file} cannot be upgraded: {error} To keep its scores as evidence, run:"
            f" mv {file} {file}.before"
        ) from error
    add_missing_columns(engine)


def _to_2(_: DuckDBEngine) -> None:
    """Upgrade nothing: only tables that a run computes have changed."""


def _to_3(_: DuckDBEngine) -> None:
    """Upgrade nothing: only tables that a run computes have changed."""


#: From each version to the next.
_STEPS = (_to_1, _to_2, _to_3)


def _drop_computed(engine: DuckDBEngine) -> int:
    """Drop what a run computes; return how many tables and views that were."""
    dropped = 0
    for kind, schema, name in _tables(engine, _COMPUTED_SCHEMAS):
        if f"{schema}.{name}" not in _KEPT_TABLES:
            engine.run(f"drop {kind} {quote_identifier(schema)}.{quote_identifier(name)}")
            dropped += 1
    return dropped


def _tables(engine: DuckDBEngine, schemas: tuple[str, ...]) -> list[tuple[str, str, str]]:
    rows = engine.rows(_TABLES.format(schemas=schemas))
    return [(kind, schema, name) for kind, schema, name in rows]


def _write_version(engine: DuckDBEngine) -> None:
    engine.create(
        TABLE,
        f"select {WAREHOUSE_VERSION} as version, '{lydite_version()}' as lydite_version,"
        " cast(timezone('UTC', now()) as timestamp) as upgraded_at",
    )


def _file(engine: DuckDBEngine) -> str:
    return str(
        engine.scalar(
            "select path from duckdb_databases() where database_name = current_database()"
        )
    )
