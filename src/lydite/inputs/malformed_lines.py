"""CSV lines that cannot be read: they are set aside with their text, and the others are used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError
from lydite.inputs import files
from lydite.inputs.source_rows import Relation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lydite.engine import DuckDBEngine, Engine

#: The reason to set such lines aside.
REASON = "malformed_line"
#: The table of all malformed lines: name of the input table, file, number and text of the line,
#: and what is wrong with it.
TABLE = "quarantine.malformed_lines"
_FILE = "lydite_source_file"
#: Problems of one line. Others, such as another encoding, concern the whole file.
_OF_ONE_LINE = ("MISSING COLUMNS", "TOO MANY COLUMNS", "UNQUOTED VALUE")
_COLUMNS = "file, line, text, problem"

# Of several problems of a line the first one is given. Blank lines before it belong to its text.
_REJECTED = """
select
    scans.file_path as file,
    cast(errors.line as bigint) as line,
    any_value(trim(errors.csv_line, chr(10) || chr(13))) as text,
    arg_min(errors.error_message, errors.column_idx) as problem,
    arg_min(cast(errors.error_type as varchar), errors.column_idx) as kind
from reject_errors as errors
inner join reject_scans as scans
    on errors.scan_id = scans.scan_id and errors.file_id = scans.file_id
group by scans.file_path, errors.line
"""
_BY_FILE = """
select rejected.file, count(*) as lines, any_value(read.rows) as rows
from temp.{rejected} as rejected
left join (
    select {file} as file, count(*) as rows from temp.{view} group by {file}
) as read on rejected.file = read.file
group by rejected.file
having count(*) > coalesce(any_value(read.rows), 0)
order by rejected.file
"""


def read_csv(
    engine: DuckDBEngine, place: str, found: Sequence[str], view: str, error: duckdb.Error
) -> Relation:
    """Return the rows of CSV files that have malformed lines.

    Parameters
    ----------
    engine
        Reads the files.
    place
        Table and source for messages.
    found
        The files.
    view
        Name of the temporary table of the rows; its malformed lines are in ``<view>_malformed``.
    error
        The error that reading them raised.

    Raises
    ------
    InputError
        When a problem concerns more than single lines: a quote that is not closed on its line,
        another encoding, or a file of which most lines are malformed.
    """
    rejected = f"{view}_malformed"
    _drop_rejects(engine)
    options = f", store_rejects = true, filename = '{_FILE}'"
    try:
        select = files.select_csv(place, found, options)
        engine.run(f"create or replace temp table {view} as\n{select}")
        engine.run(f"create or replace temp table {rejected} as\n{_REJECTED}")
    except (duckdb.Error, OSError) as again:
        files.raise_unreadable(place, "csv", found, again)
    finally:
        _drop_rejects(engine)
    _refuse_more_than_lines(engine, place, found, rejected, error)
    _refuse_mostly_malformed(engine, place, view, rejected)
    engine.run(f"alter table temp.{view} drop column {quote_identifier(_FILE)}")
    return Relation(place, f"temp.{view}", engine.columns(f"temp.{view}"), f"temp.{rejected}")


def _drop_rejects(engine: DuckDBEngine) -> None:
    for table in ("reject_errors", "reject_scans"):
        engine.run(f"drop table if exists temp.{table}")


def _refuse_more_than_lines(
    engine: DuckDBEngine, place: str, found: Sequence[str], rejected: str, error: duckdb.Error
) -> None:
    """Raise where the problem may have taken other lines with it."""
    kinds = ", ".join(f"'{kind}'" for kind in _OF_ONE_LINE)
    whole = engine.scalar(
        f"select count(*) from temp.{rejected}"
        f" where kind not in ({kinds}) or text is null or contains(text, chr(10))"
        " or contains(text, chr(13))"
    )
    if whole or not engine.scalar(f"select count(*) from temp.{rejected}"):
        files.raise_unreadable(place, "csv", found, error)


def _refuse_mostly_malformed(engine: DuckDBEngine, place: str, view: str, rejected: str) -> None:
    """Raise where a file has more malformed lines than others: then all of it is in doubt."""
    worst = engine.rows(_BY_FILE.format(rejected=rejected, view=view, file=_FILE))
    if not worst:
        return
    file, lines, rows = worst[0]
    line, problem = engine.rows(
        f"select line, problem from temp.{rejected} where file = $file order by line limit 1",
        {"file": file},
    )[0]
    raise InputError(
        f"{place}: cannot be read: {file}: {lines:,} of its {lines + (rows or 0):,} lines are"
        f" malformed, first: CSV Error on Line: {line}; {problem}. {files.advice('csv')}"
    )


def store(engine: Engine, table: str, relation: Relation) -> int:
    """Write the malformed lines of a source to ``quarantine.malformed_lines``.

    Returns
    -------
    int
        Their number.
    """
    if engine.exists(TABLE):
        engine.run(f"delete from {TABLE} where table_name = '{table}'")
    if relation.malformed is None:
        return 0
    engine.append(
        TABLE,
        f"select '{table}' as table_name, {_COLUMNS} from {relation.malformed} order by file, line",
    )
    return count(engine, table)


def count(engine: Engine, table: str) -> int:
    """Return the number of malformed lines of an input table."""
    if not engine.exists(TABLE):
        return 0
    return int(engine.scalar(f"select count(*) from {TABLE} where table_name = '{table}'"))
