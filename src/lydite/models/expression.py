"""Expressions: what an analyst writes as a rule is checked here before any statement holds it."""

from __future__ import annotations

import difflib
import functools
import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import duckdb

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Node = dict[str, Any]

#: The type of each of `lydite.models.PATH_COLUMNS`.
PATH_TYPES: dict[str, str] = {
    "position": "bigint",
    "path_length": "bigint",
    "position_from_end": "bigint",
    "last_non_direct_position": "bigint",
    "hours_before_end": "double",
    "hours_after_start": "double",
    "channel": "varchar",
    "campaign": "varchar",
    "interaction": "varchar",
}

_MAX_LENGTH = 10_000
# Far above what anyone writes, and low enough that no stack, DuckDB's or Python's, overflows.
_MAX_DEPTH = 200
_MAX_QUOTE = 200

# What an expression may consist of: DuckDB's own names, by class. All else is refused, also what
# only a later DuckDB knows.
_NODES: dict[str, frozenset[str]] = {
    "BETWEEN": frozenset({"COMPARE_BETWEEN"}),
    "CASE": frozenset({"CASE_EXPR"}),
    "CAST": frozenset({"OPERATOR_CAST"}),
    "COLUMN_REF": frozenset({"COLUMN_REF"}),
    "COMPARISON": frozenset(
        {
            "COMPARE_EQUAL",
            "COMPARE_NOTEQUAL",
            "COMPARE_LESSTHAN",
            "COMPARE_LESSTHANOREQUALTO",
            "COMPARE_GREATERTHAN",
            "COMPARE_GREATERTHANOREQUALTO",
            "COMPARE_DISTINCT_FROM",
            "COMPARE_NOT_DISTINCT_FROM",
        }
    ),
    "CONJUNCTION": frozenset({"CONJUNCTION_AND", "CONJUNCTION_OR"}),
    "CONSTANT": frozenset({"VALUE_CONSTANT"}),
    "FUNCTION": frozenset({"FUNCTION"}),
    "OPERATOR": frozenset(
        {
            "COMPARE_IN",
            "COMPARE_NOT_IN",
            "OPERATOR_COALESCE",
            "OPERATOR_IS_NOT_NULL",
            "OPERATOR_IS_NULL",
            "OPERATOR_NOT",
            "OPERATOR_TRY",
        }
    ),
    "TYPE": frozenset({"TYPE"}),
}
_WORDS = {
    "COLLATE": "a collation",
    "DEFAULT": "a default",
    "LAMBDA": "an arrow or a lambda",
    "PARAMETER": "a parameter",
    "POSITIONAL_REFERENCE": "a column by its number",
    "STAR": "a star",
    "SUBQUERY": "a subquery",
    "WINDOW": "a window function",
}
# Each gives the same for the same arguments, touches nothing else, and makes no text much longer
# than its arguments.
_FUNCTIONS = frozenset(
    """abs cbrt ceil ceiling coalesce concat contains ends_with exp floor greatest if ifnull instr
    isfinite isinf isnan least left length ln log log10 log2 lower ltrim mod nullif position pow
    power prefix regexp_full_match regexp_matches right round rtrim sign sqrt starts_with strpos
    substr substring suffix trim trunc try upper""".split()  # noqa: SIM905  (reads as a list does)
)
_OPERATORS = frozenset({"+", "-", "*", "/", "//", "%", "^", "**", "||", "^@"})
_LIKE = frozenset(
    {"~~", "!~~", "~~*", "!~~*", "~~~"}
    | {"like_escape", "not_like_escape", "ilike_escape", "not_ilike_escape"}
)
_CALLABLE = _FUNCTIONS | _OPERATORS | _LIKE

_NUMBER = re.compile(
    r"BOOLEAN|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL(\(\d+,\d+\))?"
)
# Numbers and text, under these names and their synonyms.
_CASTABLE = re.compile(
    _NUMBER.pattern + r"|BOOL|U?INT\d*|FLOAT[48]|REAL|NUMERIC|VARCHAR|TEXT|STRING", re.IGNORECASE
)
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_QUOTED_OR_BLANK = re.compile(
    r"""('(?:[^']|'')*'|"(?:[^"]|"")*")|(?:\s|--[^\n\r]*|/\*.*?\*/)+""", re.DOTALL
)
_END = re.compile(r"[\s;]+\Z")
_DEPTH_EXCEEDED = re.compile("expression depth|memory exhausted", re.IGNORECASE)
_TOO_DEEP = "it is nested too deeply"
_KIND_OF_ERROR = re.compile(r"[\w -]+ Error: ")
_NEXT_SENTENCE = re.compile(r"\n|\. (?=[A-Z])")


class _Refusal(Exception):  # noqa: N818  (always becomes an InputError)
    """What is wrong with an expression, as a clause."""


# A tree that lacks what is looked at comes from a DuckDB that is not known here.
_FAILURES = (_Refusal, RecursionError, KeyError)


def check_expression(name: str, expression: str, columns: Mapping[str, str] = PATH_TYPES) -> str:
    """Return a rule's expression in a form that is safe between parentheses in any select.

    The form is the text itself without comments and trailing semicolons, its blanks single
    spaces. Between parentheses DuckDB reads it as the very syntax tree that is checked here: one
    expression over the columns of a row, made of deterministic functions, that gives a number or
    a truth value. Values may still make it fail where it runs, as in ``ln(hours_before_end)``.

    Parameters
    ----------
    name
        The rule's name, for the message.
    expression
        What the analyst wrote.
    columns
        SQL type by column.

    Raises
    ------
    InputError
        When the text is anything else.
    """
    return _checked(name, expression, tuple(columns.items()))


@functools.cache
def columns_of(expression: str) -> frozenset[str]:
    """Return the columns that a checked expression refers to, in lower case.

    Raises
    ------
    InputError
        When the text is no SQL expression.
    """
    try:
        with _reader().cursor() as connection:
            return frozenset(_columns(_parse(connection, expression)))
    except _FAILURES as error:
        raise InputError(f"{_quote(expression)} cannot be read: {_reason(error)}.") from error


@functools.cache
def _checked(name: str, expression: str, columns: tuple[tuple[str, str], ...]) -> str:
    try:
        with _connect() as connection:
            return _check(connection, expression, dict(columns))
    except _FAILURES as error:
        raise InputError(
            f"the rule {name!r} cannot weigh a touch by {_quote(expression)}: {_reason(error)}."
            f" It may use the columns {', '.join(column for column, _ in columns)}."
        ) from error


@functools.cache
def _reader() -> duckdb.DuckDBPyConnection:
    """Open the database that only reads expressions: to open one takes longer than to read."""
    return _connect()


def _connect() -> duckdb.DuckDBPyConnection:
    """Open an empty database that reaches no file, and nothing else outside itself."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "enable_external_access": False,
        "max_expression_depth": _MAX_DEPTH,
        "threads": 1,
    }
    return duckdb.connect(config=settings)


def _check(
    connection: duckdb.DuckDBPyConnection, expression: str, columns: Mapping[str, str]
) -> str:
    tree = _parse(connection, expression)
    for node in _nodes(tree):
        if fault := _fault(node):
            raise _Refusal(fault)
    _check_columns(tree, columns)
    text = _plain(connection, expression, tree)
    _check_number(connection, text, columns)
    return text


# --- syntax -------------------------------------------------------------------------------------


def _parse(connection: duckdb.DuckDBPyConnection, expression: str) -> Node:
    """Return the syntax tree of what an analyst wrote."""
    if len(expression) > _MAX_LENGTH:
        raise _Refusal(f"it has {len(expression)} characters, and {_MAX_LENGTH} are the most")
    if _NO_TEXT.search(expression):
        raise _Refusal("it holds a character that is not text")
    if not _without_comments(expression):
        raise _Refusal("it is empty")
    opened = ((c in "([{") - (c in ")]}") for c in expression)
    if max(itertools.accumulate(opened), default=0) > _MAX_DEPTH:
        raise _Refusal(_TOO_DEEP)
    return _read(connection, expression)


def _read(connection: duckdb.DuckDBPyConnection, expression: str) -> Node:
    """Return DuckDB's syntax tree of a text that is one expression and nothing more."""
    tree, around = _read_statement(connection, expression)
    _, nothing = _read_statement(connection, "null")
    if around != nothing:
        raise _Refusal("it is more than an expression")
    return tree


def _read_statement(connection: duckdb.DuckDBPyConnection, expression: str) -> tuple[Node, Node]:
    """Return the tree of an expression, and what else there is in the statement that holds it.

    The expression stands behind ``where``, where the grammar allows neither a list nor an alias.
    """
    statement = f"select null where {expression}\n"
    try:
        # This parses too, and alone heeds the limit of depth: it comes first.
        count = len(connection.extract_statements(statement))
        rows = connection.execute("select json_serialize_sql(?::varchar)", [statement]).fetchall()
    except duckdb.Error as error:
        raise _Refusal(_gist(str(error))) from error
    if count != 1:
        raise _Refusal("it is more than one statement")
    whole: Node = json.loads(rows[0][0], object_hook=_without_place)
    if whole["error"]:
        raise _Refusal(_gist(whole["error_message"]))
    around: Node = whole["statements"][0]["node"]
    return around.pop("where_clause", {}), around


def _without_place(part: Node) -> Node:
    """Forget where in the text a part of the tree stood."""
    return {key: value for key, value in part.items() if not key.startswith("query_location")}


def _plain(connection: duckdb.DuckDBPyConnection, expression: str, tree: Node) -> str:
    """Return the text without comments, proven to read as `tree` between parentheses.

    Comments are found in a simple way; where that is wrong the text reads otherwise and is
    refused, as is what DuckDB allows behind an expression without a trace in the tree.
    """
    text = _without_comments(expression)
    try:
        same = _read(connection, f"({text})") == tree
    except _Refusal:
        same = False
    if not same:
        raise _Refusal("between parentheses it reads otherwise; use plain quotes and comments")
    return text


def _without_comments(expression: str) -> str:
    text = _QUOTED_OR_BLANK.sub(lambda found: found[1] or " ", expression)
    return _END.sub("", text).strip()


def _nodes(tree: Node) -> Iterator[Node]:
    """Yield every object of a tree, in the order of the tree."""
    rest: list[object] = [tree]
    while rest:
        part = rest.pop()
        if isinstance(part, dict):
            yield part
            rest.extend(reversed(part.values()))
        elif isinstance(part, list):
            rest.extend(reversed(part))


# --- meaning ------------------------------------------------------------------------------------


def _fault(node: Node) -> str | None:
    """Say what is wrong with one object of the tree, if anything is."""
    kind = node.get("class")
    if kind is None:  # no expression, but a part of one, such as a type
        return None
    if node["type"] not in _NODES.get(kind, ()):
        return f"it holds {_WORDS.get(kind) or repr(node['type'])}"
    if node["alias"]:
        return f"it names a part of itself {node['alias']!r}"
    closer = _CLOSER.get(kind)
    return closer(node) if closer else None


def _fault_of_column(node: Node) -> str | None:
    path = node["column_names"]
    return None if len(path) == 1 else f"{'.'.join(path)!r} is more than the name of a column"


def _fault_of_cast(node: Node) -> str | None:
    if "type_expr" in node:  # since DuckDB 2 the type is a node of its own
        return None
    kind, details = node["cast_type"]["id"], node["cast_type"]["type_info"] or {}
    if (
        _CASTABLE.fullmatch(kind)
        and details.get("type", "DECIMAL_TYPE_INFO") == "DECIMAL_TYPE_INFO"
    ):
        return None
    return _wrong_type(details.get("name") or kind)


def _fault_of_type(node: Node) -> str | None:
    kind = node["type_name"]
    plain = _CASTABLE.fullmatch(kind) and not (node["schema"] or node["catalog"])
    return None if plain else _wrong_type(kind)


def _wrong_type(kind: str) -> str:
    return f"it casts to {kind!r}, which is neither number nor text"


def _fault_of_function(node: Node) -> str | None:
    # What the grammar spells in words, such as trim(both ' ' from channel), is in `main`.
    schema = "" if node["schema"] == "main" else node["schema"]
    path = [part for part in (node["catalog"], schema) if part]
    name = node["function_name"].lower()
    if path or name not in _CALLABLE:
        return (
            f"{'.'.join([*path, name])!r} is not among the functions of a rule"
            f" ({', '.join(sorted(_FUNCTIONS))}) and its operators ({' '.join(sorted(_OPERATORS))})"
        )
    if any([node["filter"], node["order_bys"]["orders"], node["distinct"], node["export_state"]]):
        return f"it calls {name!r} as an aggregate"
    return None


_CLOSER: dict[str, Callable[[Node], str | None]] = {
    "CAST": _fault_of_cast,
    "COLUMN_REF": _fault_of_column,
    "FUNCTION": _fault_of_function,
    "TYPE": _fault_of_type,
}


def _columns(tree: Node) -> list[str]:
    """Return the columns that a tree refers to, in order."""
    found = (node for node in _nodes(tree) if node.get("class") == "COLUMN_REF")
    return [node["column_names"][-1].lower() for node in found]


def _check_columns(tree: Node, columns: Mapping[str, str]) -> None:
    known = [column.lower() for column in columns]
    for column in _columns(tree):
        if column not in known:
            near = difflib.get_close_matches(column, known, n=1)
            hint = f"did you mean {near[0]!r}?" if near else "text stands in single quotes"
            raise _Refusal(f"there is no column {column!r} ({hint})")


def _check_number(
    connection: duckdb.DuckDBPyConnection, text: str, columns: Mapping[str, str]
) -> None:
    """Run the expression over an empty table, and see that it gives a number."""
    typed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
    connection.execute(f"create table touches ({typed})")
    select = f"select ({text}) from touches"
    try:
        kind = connection.execute(f"describe {select}").fetchall()[0][1]
        connection.execute(select).fetchall()
    except duckdb.Error as error:
        raise _Refusal(_gist(str(error))) from error
    if not _NUMBER.fullmatch(kind):
        raise _Refusal(f"it gives {'text' if kind == 'VARCHAR' else kind}, not a number")


# --- words --------------------------------------------------------------------------------------


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"DuckDB {duckdb.__version__} describes it in a way that is not known here"
    return _TOO_DEEP if isinstance(error, RecursionError) else str(error)


def _gist(message: str) -> str:
    """Return the first sentence of DuckDB's message; the rest shows a statement nobody wrote."""
    if _DEPTH_EXCEEDED.search(message):
        return _TOO_DEEP
    sentence = _NEXT_SENTENCE.split(_KIND_OF_ERROR.sub("", message, count=1))[0]
    return _short(sentence).rstrip(".")


def _quote(expression: str) -> str:
    return repr(_short(expression))


def _short(text: str) -> str:
    return text if len(text) <= _MAX_QUOTE else f"{text[: _MAX_QUOTE - 1]}…"
