"""Exports the tables and views of a published file to Parquet, CSV or a workbook."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import duckdb

from lydite.engine.duckdb import first_row, quote_identifier, quote_literal
from lydite.errors import InputError, explain_system_error
from lydite.publishing import open_published, touch_credit_path
from lydite.replacing import new_version

if TYPE_CHECKING:
    from collections.abc import Mapping

ExportFormat = Literal["parquet", "csv", "xlsx"]
#: The most rows of a table in a workbook: spreadsheets are slow with more.
MOST_ROWS = 100_000
_MOST_CHARACTERS = 32_767  # of a cell

#: The table with a row per column: what the comments in the database say.
_COLUMNS = "columns"
_ABOUT = """
select table_name, column_name, data_type, comment as description
from duckdb_columns()
where schema_name = 'main' and database_name = current_database() and not internal
order by table_name, column_index
"""
_NAMES = """
select view_name from duckdb_views()
where schema_name = 'main' and database_name = current_database() and not internal
order by view_name
"""
#: Text that a spreadsheet takes for a formula, by its first character.
_FORMULA = r"(?s)[=+\-@\t\r\n＝＋－＠].*"
_ROWS_AT_ONCE = 10_000


def export_tables(
    database: str | Path, out: str | Path, file_format: ExportFormat = "parquet"
) -> list[str]:
    """Write every table and view of a published file to a folder.

    The folder appears when it is complete. An earlier export in it is replaced as a whole.

    Parameters
    ----------
    database
        The published file. The credit of touches is read from the Parquet file next to it.
    out
        The folder.
    file_format
        ``"parquet"`` and ``"csv"``: a file per table; ``"xlsx"``: one workbook, a sheet per table.
        In CSV, text that starts like a formula has an apostrophe before it.

    Returns
    -------
    list of str
        The tables with more than `MOST_ROWS` rows, which a workbook leaves out.

    Raises
    ------
    InputError
        When the file cannot be read, the folder has other files or cannot be written, or the
        package for workbooks is missing.
    """
    if file_format not in get_args(ExportFormat):
        raise InputError(
            f"there is no format {file_format!r}; there are: {', '.join(get_args(ExportFormat))}"
        )
    out = Path(out).resolve()
    with open_published(database) as reader:
        selects = _selects(reader, touch_credit_path(database))
        _refuse_other_files(out, selects, Path(database).stem)
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
            with new_version(out) as new:
                new.mkdir()
                left_out = []
                if file_format == "xlsx":
                    left_out = _write_workbook(reader, selects, new / f"{Path(database).stem}.xlsx")
                else:
                    _write_files(reader, selects, new, file_format)
                _replace(out, new)
        except (OSError, duckdb.Error) as error:
            known = explain_system_error(f"{error}")
            if known is None and not isinstance(error, OSError | duckdb.IOException):
                raise
            raise known or InputError(f"{out} cannot be written: {error}") from error
    return left_out


def _selects(reader: duckdb.DuckDBPyConnection, parquet: Path) -> dict[str, str]:
    """Return the statement that reads each table, by name."""
    names = [name for (name,) in reader.execute(_NAMES).fetchall()]
    selects = {_COLUMNS: _ABOUT} | {name: f"from {quote_identifier(name)}" for name in names}
    if "touch_credit" not in selects and parquet.exists():
        selects["touch_credit"] = f"from read_parquet({quote_literal(str(parquet))})"
    return selects


def _refuse_other_files(out: Path, selects: Mapping[str, str], stem: str) -> None:
    """Raise where the folder has anything but an earlier export."""
    if not out.exists():
        return
    if not out.is_dir():
        raise InputError(f"{out} is a file: give a folder")
    own = {f"{name}.{kind}" for name in (*selects, "touch_credit") for kind in ("parquet", "csv")}
    others = sorted({entry.name for entry in out.iterdir()} - own - {f"{stem}.xlsx"})
    if others:
        raise InputError(
            f"{out} has other files ({others[0]}): an export replaces its folder. Give a new one"
        )


def _replace(out: Path, new: Path) -> None:
    """Move the new folder to its place; the old one is deleted after that."""
    with new_version(out) as old:
        if out.exists():
            out.rename(old)
        try:
            new.rename(out)
        except OSError:
            if old.exists():
                old.rename(out)
            raise


def _write_files(
    reader: duckdb.DuckDBPyConnection, selects: Mapping[str, str], folder: Path, file_format: str
) -> None:
    for name, select in selects.items():
        text = select
        options = "format parquet, compression zstd"
        if file_format == "csv":
            text = _without_formulas(reader, select)
            options = "format csv, header"
        target = quote_literal(str(folder / f"{name}.{file_format}"))
        reader.execute(f"copy ({text}) to {target} ({options})")


def _without_formulas(reader: duckdb.DuckDBPyConnection, select: str) -> str:
    """Return a statement that puts an apostrophe before text that starts like a formula."""
    columns = reader.execute(f"describe {select}").fetchall()
    texts = [quote_identifier(name) for name, kind, *_ in columns if kind == "VARCHAR"]
    replaced = ", ".join(
        f"case when regexp_full_match({name}, {quote_literal(_FORMULA)}) then '''' || {name}"
        f" else {name} end as {name}"
        for name in texts
    )
    return f"select * replace ({replaced}) from ({select})" if texts else select


# --- workbooks ----------------------------------------------------------------------------------


def _write_workbook(
    reader: duckdb.DuckDBPyConnection, selects: Mapping[str, str], path: Path
) -> list[str]:
    """Write a workbook with a sheet per table, and return the tables with too many rows."""
    try:
        import xlsxwriter  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise InputError(
            "workbooks need the package xlsxwriter: pip install 'lydite[excel]', or use"
            " --format csv"
        ) from error
    left_out = []
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "nan_inf_to_errors": True,
        "default_date_format": "yyyy-mm-dd",
    }
    with xlsxwriter.Workbook(path, options) as book:
        bold = book.add_format({"bold": True})
        time_format = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for name, select in selects.items():
            count = first_row(reader, f"select count(*) from ({select})")
            rows = count[0] if count else 0
            if rows > MOST_ROWS:
                left_out.append(name)
                continue
            result = reader.execute(select)
            names = [column[0] for column in result.description]
            kinds = [str(column[1]) for column in result.description]
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 0)
            for place, (column, kind) in enumerate(zip(names, kinds, strict=True)):
                is_time = kind.upper() in {"DATETIME", "TIMESTAMP"}
                sheet.set_column(
                    place, place, max(12, len(column) + 2), time_format if is_time else None
                )
            sheet.write_row(0, 0, names, bold)
            sheet.autofilter(0, 0, rows, len(names) - 1)
            _write_rows(sheet, result, time_format)
    return left_out


def _write_rows(sheet: Any, result: duckdb.DuckDBPyConnection, time_format: Any) -> None:  # noqa: ANN401
    number = 1
    while rows := result.fetchmany(_ROWS_AT_ONCE):
        for row in rows:
            for place, value in enumerate(row):
                if isinstance(value, str):
                    sheet.write_string(number, place, value[:_MOST_CHARACTERS])
                elif isinstance(value, date) and hasattr(value, "hour"):
                    sheet.write_datetime(number, place, value, time_format)
                elif value is not None:
                    sheet.write(number, place, value)
            number += 1
