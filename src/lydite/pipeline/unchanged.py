"""Whether a run would repeat the last one: the same rows, settings and code.

What was published must still be there as it was.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import duckdb
import polars as pl

from lydite.engine import DuckDBEngine, sql_directory
from lydite.engine.duckdb import quote_identifier
from lydite.inputs.changed_files import digest_rows
from lydite.inputs.files import FILE_COLUMN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lydite.engine import Engine
    from lydite.settings import Settings

#: The last run that began: the fingerprint of what it depends on, and when it was complete.
TABLE = "evaluation.last_run"
_NO_EVALUATION = "without evaluation"
_ROWS = """
select table_schema, table_name
from information_schema.tables
where
    table_catalog = current_database()
    and table_type = 'BASE TABLE'
    and (
        table_schema in ('inputs', 'quarantine')
        or table_schema = 'ledger' and table_name = 'voided'
    )
order by all
"""


def find_repeated_run(
    engine: Engine, settings: Settings, run_id: str, *, evaluates: bool = True
) -> datetime | None:
    """Return when the run was complete that this one would repeat; None if something has changed.

    To be called when the input tables are loaded, before anything is computed from them. If
    something has changed, this run is written down as the last one, which is not complete yet.

    Parameters
    ----------
    engine
        Holds the input tables. Only a DuckDB file keeps results between runs.
    settings
        The settings of the project.
    run_id
        Id of this run.
    evaluates
        Whether the run compares the models; one that does repeats only a run that did so too.
    """
    if not isinstance(engine, DuckDBEngine) or not engine.is_persistent:
        return None
    with_evaluation = _fingerprint(engine, settings)
    fingerprint = with_evaluation if evaluates else f"{with_evaluation} {_NO_EVALUATION}"
    last = engine.rows(f"from {TABLE}") if engine.exists(TABLE) else []
    for _, of_last, published, complete_at in last:
        is_same = of_last in {fingerprint, with_evaluation} and complete_at
        if is_same and published == _digest(_written(settings)):
            return cast("datetime", complete_at)
    _store(engine, run_id, fingerprint, None, None)
    return None


def complete_run(engine: Engine, settings: Settings, run_id: str) -> None:
    """Write down that a run has published everything."""
    local = engine.local
    if not local.exists(TABLE):
        return
    for began, fingerprint, _, _ in local.rows(f"from {TABLE}"):
        if began == run_id:
            now = datetime.now(UTC).replace(tzinfo=None)
            _store(local, run_id, fingerprint, _digest(_written(settings)), now)


def _store(
    engine: DuckDBEngine,
    run_id: str,
    fingerprint: str,
    published: str | None,
    complete_at: datetime | None,
) -> None:
    row = (run_id, fingerprint, published, complete_at)
    schema: dict[str, type[pl.DataType] | pl.DataType] = {
        "run_id": pl.String,
        "fingerprint": pl.String,
        "published": pl.String,
        "complete_at": pl.Datetime("us"),
    }
    engine.store(TABLE, pl.DataFrame([row], schema=schema, orient="row"))


def _written(settings: Settings) -> list[Path]:
    """Return what is published, and the file in which another program's changes of it would be."""
    published = settings.storage.published
    return [published, published.with_name(f"{published.name}.wal"), settings.storage.report]


def _fingerprint(engine: DuckDBEngine, settings: Settings) -> str:
    """Return the digest of the rows, whatever their order, and of all else results depend on."""
    parts = [duckdb.__version__, code_digest(), settings.model_dump_json(exclude={"schedule"})]
    parts.append(_digest([settings.storage.decisions]))
    if settings.experiments:  # whether an experiment can be read depends on the day
        parts.append(str(datetime.now(UTC).date()))
    for schema, name in engine.rows(_ROWS):
        table = f"{quote_identifier(schema)}.{quote_identifier(name)}"
        columns = engine.columns(table)
        is_by_file = columns.pop(FILE_COLUMN, None)  # the same rows may be in other files
        if is_by_file and schema == "inputs":
            parts.append(f"{schema}.{name} {digest_rows(engine, name)} {columns}")
            continue
        if is_by_file:
            table = f"(select * exclude ({FILE_COLUMN}) from {table})"
        [counted] = engine.rows(
            "select count(*), sum(cast(hash(found) as hugeint)), bit_xor(hash(found, 1))"
            f" from {table} as found"
        )
        parts.append(f"{schema}.{name} {counted} {columns}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@cache
def code_digest() -> str:
    """Return the digest of this package's modules and SQL files."""
    package = Path(__file__).resolve().parents[1]
    return _digest([*sorted(package.rglob("*.py")), *sorted(sql_directory().rglob("*.sql"))])


def _digest(files: Iterable[Path]) -> str:
    """Return the digest of files; one that is not there counts as that."""
    found = hashlib.sha256()
    for file in files:
        found.update(f"{file.name} ".encode())
        if file.is_file():
            with file.open("rb") as stream:
                found.update(hashlib.file_digest(stream, "sha256").digest())
    return found.hexdigest()
