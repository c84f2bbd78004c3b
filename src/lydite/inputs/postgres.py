"""Runs a select in PostgreSQL and returns its rows as Arrow data, batch by batch."""

from __future__ import annotations

import contextlib
import importlib
import os
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import duckdb
import pyarrow as pa

from lydite.engine.duckdb import quote_identifier
from lydite.environment import expand, hide
from lydite.errors import InputError
from lydite.inputs.source_rows import is_read_error, refuse_duplicate_columns

if TYPE_CHECKING:
    from collections.abc import Iterator

_SECONDS = 10  # until a host that does not answer is given up
_NOISE = re.compile(r"^.*?(?:ERROR|FATAL):\s+|^\w+: \[libpq\] Failed to connect: ", re.DOTALL)
_QUERY = re.compile(r"\s*\^?\s*Query was: .*|\.? SQLSTATE: \w+$", re.DOTALL)
_BEFORE_SELECT = "select * from ("  # in its line, so that line numbers in messages are right
_POSTGRES_TYPE = b"POSTGRESQL:type"
# The earliest time of PostgreSQL. The driver returns infinite times as times before it.
_FIRST_TIME = "timestamp '4714-11-24 (BC)'"
_NOT_ENCODED = re.compile(r"[\s#]|%(?![0-9A-Fa-f]{2})")
_ADVICE = {
    "28": "Correct the user or the password, in the environment",
    "3D": "Correct the name of the database in the URL",
    "42501": "Grant the user the right to select from it",
    "42": "Correct the select: PostgreSQL runs it, in its own dialect",
    "22": "Correct the select",
}
_UNREACHABLE = "Check the host, the port and the network, then load it again"


@contextlib.contextmanager
def reader(
    place: str, database: str, select: str, where: str = ""
) -> Iterator[pa.RecordBatchReader]:
    """Run a select in PostgreSQL; yield a reader of its rows within a ``with`` block.

    Parameters
    ----------
    place
        Table and source for messages.
    database
        The URL; it may refer to secrets (`lydite.environment`).
    select
        A statement in PostgreSQL's dialect. As a subquery it can only read.
    where
        A condition on the columns of the select.

    Raises
    ------
    InputError
        When the server cannot be reached, refuses the login or the select, or when rows cannot be
        read; the message shows no password.
    """
    driver = _import_driver(place)
    url = _with_timeout(_check_url(place, database, expand(database, place)))
    problem = None
    try:
        with driver.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
            # The last line of the select may be a comment.
            cursor.execute(f"{_BEFORE_SELECT}{select}\n) as source {where}".rstrip())
            rows = cursor.fetch_record_batch()
            _check_columns(place, rows.schema)
            yield rows
    except (driver.Error, pa.ArrowException, OSError, duckdb.Error) as error:
        if isinstance(error, duckdb.Error) and not is_read_error(error):
            raise
        problem = _explain(place, database, error)
    if problem is not None:  # outside of the except block: tracebacks show no secrets
        raise problem


def only_select(place: str, text: str) -> str:
    """Return the text of a .sql file up to the semicolon at its end.

    Raises
    ------
    InputError
        When there is more than one statement.
    """
    # Imported late: reading other sources does not need it, and it takes a tenth of a second.
    from sqlglot import TokenType, tokenize  # noqa: PLC0415
    from sqlglot.errors import TokenError  # noqa: PLC0415

    try:
        tokens = tokenize(text, read="postgres")
    except TokenError:
        return text  # PostgreSQL says what is wrong
    ends = [token for token in tokens if token.token_type == TokenType.SEMICOLON]
    if not tokens or (ends and ends[0] is not tokens[-len(ends)]):
        found = "several statements" if tokens else "nothing"
        raise InputError(
            f"{place}: has {found}. A .sql source must be one select: write only that."
        )
    return text[: ends[0].start] if ends else text


def columns_of(schema: pa.Schema) -> str:
    """Return the select list that reads the rows in DuckDB: infinite times become null."""
    return ", ".join(map(_column, schema))


def _column(field: pa.Field) -> str:
    name = quote_identifier(field.name)
    if pa.types.is_timestamp(field.type) or pa.types.is_date(field.type):
        return f"case when {name} >= {_FIRST_TIME} then {name} end as {name}"
    return name


def _check_columns(place: str, schema: pa.Schema) -> None:
    """Refuse columns that are named twice, or whose values the driver returns as other ones."""
    refuse_duplicate_columns(place, schema.names)
    for field in schema:
        kind = (field.metadata or {}).get(_POSTGRES_TYPE, b"").decode()
        storage = getattr(field.type, "storage_type", field.type)
        unknown = storage != field.type and pa.types.is_binary(storage) and kind != "uuid"
        if kind == "money" or unknown:
            cast = "numeric" if kind == "money" else "text"
            raise InputError(
                f"{place}: column {field.name!r} has the type {kind}, which cannot be read."
                f" Cast it in the select: {field.name}::{cast}."
            )


def _import_driver(place: str) -> Any:  # noqa: ANN401 - the module of an extra is imported late
    try:
        return importlib.import_module("adbc_driver_postgresql.dbapi")
    except ImportError as error:
        raise InputError(
            f"{place}: PostgreSQL needs one more package: pip install 'lydite[postgres]'"
        ) from error


def _check_url(place: str, database: str, url: str) -> str:
    """Refuse URLs that the driver would read differently, and quote in its message."""
    try:
        parts = urlsplit(url)
        after_host = f"{parts.path}{parts.query}{parts.fragment}"
        unclear = "@" in after_host or parts.netloc.count("@") > 1 or bool(_NOT_ENCODED.search(url))
        known = parts.scheme in {"postgresql", "postgres"}
    except ValueError:
        unclear = known = True
    if not known:
        raise InputError(
            f"{place}: {database!r} is no PostgreSQL URL and no DuckDB file. Write"
            " postgresql://user:${PASSWORD}@host:5432/database, or a path that ends in .duckdb."
        )
    if unclear:
        raise InputError(
            f"{place}: the URL is not valid. Encode special characters of the password (@ is %40),"
            " or write postgresql://user:${PASSWORD}@host:5432/database, which encodes them."
        )
    return url


def _with_timeout(url: str) -> str:
    if "connect_timeout=" in url or "PGCONNECT_TIMEOUT" in os.environ:
        return url
    return f"{url}{'&' if '?' in url else '?'}connect_timeout={_SECONDS}"


def _explain(place: str, database: str, error: Exception) -> InputError:
    """Return the error that says why rows cannot be read and what to do, without secrets."""
    text = _NOISE.sub("", _QUERY.sub("", str(error))).replace(_BEFORE_SELECT, "")
    text = re.sub(r"\s+", " ", re.sub(r"\n\s*(?=LINE )", "; ", text)).strip(" .?^")
    code = getattr(error, "sqlstate", None) or _code_of(str(error))
    advice = next((text for start, text in _ADVICE.items() if code.startswith(start)), _UNREACHABLE)
    return InputError(hide(f"{place}: cannot be read: {text}. {advice}.", database))


def _code_of(text: str) -> str:
    """Return the SQLSTATE of an error that the driver reports as text only."""
    if "authentication failed" in text or "no password supplied" in text:
        return "28P01"
    if 'FATAL:  database "' in text:
        return "3D000"
    return "" if "Failed to connect" in text else "22000"
