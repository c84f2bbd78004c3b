"""Finds files, and writes the SQL that reads their rows unchanged."""

from __future__ import annotations

import codecs
import contextlib
import csv
import difflib
import glob
import io
import re
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from lydite.engine.duckdb import quote_identifier, quote_literal
from lydite.errors import InputError
from lydite.inputs.source_rows import refuse_duplicate_columns, short_message

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lydite.engine import DuckDBEngine

_KINDS = {
    ".parquet": "parquet",
    ".csv": "csv",
    ".json": "json",
    ".ndjson": "json",
    ".jsonl": "json",
    ".sql": "sql",
}
_COMPRESSIBLE = ("csv", "json")
_COMPRESSED = (".gz", ".zst")
_AT_ONCE = 1 << 22
#: The column with the number of the file of a row, where rows are numbered by file.
FILE_COLUMN = "lydite_source_file"
_FILE_IN_MESSAGE = re.compile(r"^\s*file = (.+)$", re.MULTILINE)  # in DuckDB's messages about CSV
_DELIMITERS = ",;\t|"
_ADVICE = {
    "parquet": "The file is damaged or is not Parquet: write it again.",
    "csv": "Correct that line: it needs as many cells as the header, closed quotes (doubled inside"
    " of them) and the line ending of the other lines.",
    "json": "Write it again as JSON objects, one per row.",
    "sql": "Save it as UTF-8 text that the current user may read.",
}


# --- finding ------------------------------------------------------------------------------------


def find(place: str, pattern: str | Path) -> list[str]:
    """Return the files that a path or glob names, sorted.

    Raises
    ------
    InputError
        When no file is found, or the path is a folder.
    """
    path = Path(pattern).expanduser()
    if path.is_dir():
        raise InputError(f"{place}: {path} is a folder. Name its files: '{path}/*.parquet'.")
    if path.exists():
        return [str(path)]
    if not glob.has_magic(str(path)):
        raise InputError(f"{place}: there is no such file.{_nearby(path)}")
    found = glob.glob(str(path), recursive=True)  # noqa: PTH207 - Path.glob refuses absolute ones
    files = sorted(name for name in found if Path(name).is_file())
    if not files:
        raise InputError(
            f"{place}: no file matches, searched from {Path.cwd()}."
            " Correct the pattern; '**' matches subfolders too."
        )
    return files


def _nearby(path: Path) -> str:
    """Suggest a file with a similar name, else name the folder that was searched."""
    if not path.parent.is_dir():
        return f" There is no folder {str(path.parent)!r} either: correct the path."
    near = difflib.get_close_matches(path.name, [file.name for file in path.parent.iterdir()], n=1)
    if near:
        return f" Did you mean {str(path.parent / near[0])!r}?"
    return f" Correct the path; the folder {path.parent.resolve()} was searched."


def kind_of(place: str, files: Sequence[str]) -> str:
    """Return the kind of the files by their endings: parquet, csv, json or sql.

    Raises
    ------
    InputError
        When an ending is unknown, or the files are of several kinds.
    """
    kinds = {_kind(place, file): file for file in files}
    if len(kinds) > 1 or ("sql" in kinds and len(files) > 1):
        examples = " and ".join(repr(file) for file in (files[0], files[-1]))
        raise InputError(
            f"{place}: cannot read {examples} as one table."
            " Narrow the pattern to Parquet, CSV or JSON files, or to one .sql file."
        )
    return next(iter(kinds))


def _kind(place: str, file: str) -> str:
    name = Path(file.lower())
    compressed = name.suffix in _COMPRESSED
    kind = _KINDS.get(Path(name.stem).suffix if compressed else name.suffix)
    if kind is None or (compressed and kind not in _COMPRESSIBLE):
        raise InputError(
            f"{place}: the ending of {Path(file).name!r} is unknown."
            f" Name it {', '.join(_KINDS)}; CSV and JSON may be compressed (.gz, .zst)."
        )
    return kind


# --- reading ------------------------------------------------------------------------------------


def select(
    engine: DuckDBEngine,
    place: str,
    kind: str,
    files: Sequence[str],
    numbers: Mapping[str, int] | None = None,
) -> str:
    """Return a select of the files' rows: Parquet in its own types, CSV and JSON as text.

    Parameters
    ----------
    engine
        Reads the files.
    place
        Table and source for messages.
    kind
        As of `kind_of`.
    files
        The files.
    numbers
        The number of each file, for the column `FILE_COLUMN`; None for no such column.

    Raises
    ------
    InputError
        When a file cannot be read, or has a column name twice.
    """
    try:
        _refuse_truncated(place, files)
        if kind == "parquet":
            return _parquet(place, files, numbers)
        if kind == "csv":
            return select_csv(place, files, numbers=numbers)
        return _json(engine, place, files, numbers)
    except (duckdb.Error, OSError, UnicodeDecodeError, csv.Error) as error:
        raise_unreadable(place, kind, files, error)


def _refuse_truncated(place: str, files: Sequence[str]) -> None:
    """Refuse compressed files that end early: DuckDB reads their first rows as if they were all."""
    for file in files:
        if not file.lower().endswith(_COMPRESSED):
            continue
        try:
            with _opened(file) as stream:
                while stream.read(_AT_ONCE):
                    pass
        except OSError as error:
            if "truncated" not in str(error).lower():
                raise
            raise InputError(
                f"{place}: {file} ends early: it was read while it was written, or its transfer"
                " was cut off. Write it under another name, and rename it when it is complete."
            ) from error


def _parquet(place: str, files: Sequence[str], numbers: Mapping[str, int] | None) -> str:
    for file in files:
        with contextlib.suppress(pa.ArrowException, OSError):  # DuckDB has the better message
            refuse_duplicate_columns(f"{place}, {file}", pq.read_schema(file).names)
    columns = _numbered(files, numbers)
    return f"select {columns} from read_parquet({_listed(files)}, union_by_name = true)"


def _numbered(files: Sequence[str], numbers: Mapping[str, int] | None) -> str:
    """Return all columns of files as a select list, with the number of a row's file if wanted."""
    if numbers is None:
        return "*"
    listed = [numbers[file] for file in files]
    is_range = listed == list(range(listed[0], listed[0] + len(listed)))
    number = f"file_index + {listed[0]}" if is_range else f"{listed}[file_index + 1]"
    return f"*, cast({number} as integer) as {FILE_COLUMN}"


def select_csv(
    place: str,
    files: Sequence[str],
    options: str = "",
    numbers: Mapping[str, int] | None = None,
) -> str:
    """Return a select of the rows of CSV files as text; files may have different columns.

    Headers are read here: DuckDB's sniffer makes mistakes on small files.

    Parameters
    ----------
    place
        Table and source for messages.
    files
        The files.
    options
        More options of ``read_csv``, each after a comma.
    numbers
        As for `select`.

    Raises
    ------
    InputError
        When a file has a column name twice.
    """
    by_header: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    for file in files:
        delimiter, names = _header(file)
        refuse_duplicate_columns(f"{place}, {file}", names)
        by_header.setdefault((delimiter, tuple(names)), []).append(file)
    return "\nunion all by name\n".join(
        f"select {_numbered(members, numbers)}"
        f" from read_csv({_listed(members)}, auto_detect = false, header = true,"
        f" delim = {quote_literal(delimiter)}, quote = '\"', escape = '\"',"
        f" columns = {_as_text(names)}{options})"
        for (delimiter, names), members in by_header.items()
    )


def _header(file: str) -> tuple[str, list[str]]:
    """Return the delimiter, which splits the first record into most names, and the names."""
    with _opened(file) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", newline="")
        record = text.readline()
        while record.count('"') % 2 and (line := text.readline()):
            record += line
    splits = {
        character: next(csv.reader(io.StringIO(record, newline=""), delimiter=character), [])
        for character in _DELIMITERS
    }
    delimiter = max(splits, key=lambda character: len(splits[character]))
    names = [name.strip() or f"column_{i}" for i, name in enumerate(splits[delimiter], start=1)]
    return delimiter, names or ["column_1"]


def _json(
    engine: DuckDBEngine, place: str, files: Sequence[str], numbers: Mapping[str, int] | None
) -> str:
    """Collect the keys of all rows: rare keys, and keys that differ only in case, must be found."""
    listed = _listed(files)
    keys = engine.rows(
        f"select distinct unnest(json_keys(json)) as key from read_json_objects({listed})"
        " order by key"
    )
    names = [key for (key,) in keys]
    if not names:
        if engine.scalar(f"select count(*) from read_json_objects({listed})"):
            raise InputError(f"{place}: has no JSON objects with keys. {_ADVICE['json']}")
        return "select 1 where false"
    refuse_duplicate_columns(place, names)
    columns = _numbered(files, numbers)
    return f"select {columns} from read_json({listed}, columns = {_as_text(names)})"


def text_of(place: str, file: str) -> str:
    """Return the text of a .sql file.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (UnicodeDecodeError, OSError) as error:
        raise_unreadable(place, "sql", [file], error)


def statement(engine: DuckDBEngine, place: str, file: str) -> str:
    """Return the select in a .sql file.

    Raises
    ------
    InputError
        When the file has anything else.
    """
    try:
        statements = engine.connection.extract_statements(text_of(place, file))
    except duckdb.Error as error:
        raise InputError(f"{place}: is not valid SQL: {full_message(error)}") from error
    kinds = [statement.type.name.lower() for statement in statements]
    if kinds != ["select"]:
        found = " and ".join(kinds) or "nothing"
        raise InputError(
            f"{place}: has {found}. A .sql source must be one select: write only that."
        )
    if statements[0].named_parameters:
        names = ", ".join(sorted(statements[0].named_parameters))
        raise InputError(f"{place}: has parameters ({names}). Write their values into the select.")
    return str(statements[0].query).strip().rstrip(";")


def advice(kind: str) -> str:
    """Return what to do about a file that cannot be read."""
    return _ADVICE[kind]


# --- messages -----------------------------------------------------------------------------------


def raise_unreadable(place: str, kind: str, files: Iterable[str], error: Exception) -> NoReturn:
    """Raise the error that names the file that cannot be read, the reason and what to do."""
    vanished = next((file for file in files if not Path(file).exists()), None)
    if vanished is not None:
        raise InputError(
            f"{place}: {vanished} vanished while it was read. Load it again when no program is"
            " replacing it."
        ) from error
    if "utf" in str(error).lower():
        for file in files:
            _refuse_other_encodings(place, file)
    named = _FILE_IN_MESSAGE.search(str(error))
    file = f"{named[1]}: " if named and named[1] not in place else ""
    raise InputError(
        f"{place}: cannot be read: {file}{short_message(error)}. {_ADVICE[kind]}"
    ) from error


def full_message(error: duckdb.Error) -> str:
    """Return DuckDB's message about a statement in one line."""
    return "; ".join(line.strip() for line in str(error).splitlines() if line.strip(" ^\n"))


#: How a file in UTF-16 starts.
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _refuse_other_encodings(place: str, file: str) -> None:
    """Raise when a file is not UTF-8; the message has the first invalid line and byte."""
    with _opened(file) as stream:
        start = stream.read(2)
    if start in _UTF_16:
        raise InputError(
            f"{place}: {file} is UTF-16, as Excel writes Unicode text. Convert it:"
            f" {_converted('UTF-16', file)}"
        )
    with _opened(file) as stream:
        for number, line in enumerate(io.BufferedReader(stream), start=1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                raise InputError(
                    f"{place}: {file} is not UTF-8: line {number} has the byte"
                    f" 0x{line[error.start]:02x} at position {error.start + 1}. Convert it:"
                    f" {_converted('WINDOWS-1252', file)}"
                ) from error


def _converted(encoding: str, file: str) -> str:
    return f"iconv -f {encoding} -t UTF-8 '{file}' > utf8{''.join(_endings(file))}"


def _endings(file: str) -> list[str]:
    return [suffix for suffix in Path(file).suffixes if suffix not in _COMPRESSED][-1:]


# --- writing SQL --------------------------------------------------------------------------------


def _opened(file: str) -> pa.NativeFile:
    """Open a file as bytes, decompressed according to its ending."""
    return pa.input_stream(file, buffer_size=1 << 16)


def _listed(files: Iterable[str]) -> str:
    """Return files as a SQL list, with names escaped so that none is read as a pattern."""
    return "[" + ", ".join(quote_literal(glob.escape(file)) for file in files) + "]"


def _as_text(names: Iterable[str]) -> str:
    """Return the SQL struct that types every column as text."""
    return "{" + ", ".join(f"{quote_identifier(name)}: 'VARCHAR'" for name in names) + "}"
