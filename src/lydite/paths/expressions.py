"""SQL expressions of touch weights: checked before any statement contains them."""

from __future__ import annotations

import difflib
import functools
import re
from typing import TYPE_CHECKING

import duckdb
import sqlglot
from sqlglot import exp
from sqlglot.errors import ParseError, TokenError

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The type of each of `PATH_COLUMNS`.
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
_MAX_QUOTE = 200
_TOO_DEEP = "it is nested too deeply"

# Everything that an expression may contain. Functions are deterministic, read nothing but their
# arguments, and return no text that is much longer than these.
_FUNCTIONS = {
    exp.Abs: "abs", exp.Cbrt: "cbrt", exp.Ceil: "ceil", exp.Coalesce: "coalesce",
    exp.Concat: "concat", exp.Contains: "contains", exp.EndsWith: "ends_with", exp.Exp: "exp",
    exp.Floor: "floor", exp.Greatest: "greatest", exp.If: "if", exp.IsInf: "isinf",
    exp.IsNan: "isnan", exp.Least: "least", exp.Left: "left", exp.Length: "length", exp.Ln: "ln",
    exp.Log: "log", exp.Lower: "lower", exp.Mod: "mod", exp.Nullif: "nullif", exp.Pow: "pow",
    exp.RegexpFullMatch: "regexp_full_match", exp.RegexpLike: "regexp_matches",
    exp.Right: "right", exp.Round: "round", exp.Sign: "sign", exp.Sqrt: "sqrt",
    exp.StartsWith: "starts_with", exp.StrPosition: "strpos", exp.Substring: "substring",
    exp.Trim: "trim", exp.Trunc: "trunc", exp.Try: "try", exp.Upper: "upper",
}  # fmt: skip
_OTHER_FUNCTIONS = frozenset({"isfinite", "prefix", "suffix"})
_SYNTAX = {
    exp.Add, exp.And, exp.Between, exp.Boolean, exp.Case, exp.Cast, exp.DPipe, exp.DataTypeParam,
    exp.Div, exp.EQ, exp.Escape, exp.GT, exp.GTE, exp.Glob, exp.ILike, exp.Identifier, exp.In,
    exp.IntDiv, exp.Is, exp.LT, exp.LTE, exp.Like, exp.Literal, exp.Mul, exp.NEQ, exp.Neg, exp.Not,
    exp.Null, exp.NullSafeEQ, exp.NullSafeNEQ, exp.Or, exp.Paren, exp.SimilarTo, exp.Sub,
    exp.TryCast,
}  # fmt: skip
_TYPES = exp.DataType.NUMERIC_TYPES | exp.DataType.TEXT_TYPES | {exp.DataType.Type.BOOLEAN}
_NUMBER = re.compile(
    r"BOOLEAN|U?(TINY|SMALL|BIG|HUGE)?INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL(\(\d+,\d+\))?"
)
_ISOLATED: dict[str, str | bool | int | float | list[str]] = {
    "enable_external_access": False,
    "max_expression_depth": 200,  # far above any real rule, too low to overflow the stack
    "threads": 1,
}
_NO_TEXT = re.compile("[\0\ud800-\udfff]")


class _Refusal(Exception):  # noqa: N818  (always becomes an InputError)
    """What is wrong with an expression, as a clause."""


def check_expression(name: str, expression: str, columns: Mapping[str, str] = PATH_TYPES) -> str:
    """Return a rule's expression in a form that is safe between parentheses in any select.

    This is the text without comments and trailing semicolons, with single spaces: one expression
    over the columns of a row, made of deterministic functions, that returns a number or a truth
    value. Single values may still make it fail, as in ``ln(hours_before_end)``.

    Parameters
    ----------
    name
        The rule's name, for the message.
    expression
        What the user wrote.
    columns
        SQL type by column.

    Raises
    ------
    InputError
        When the text is anything else.

    Examples
    --------
    >>> check_expression("early", "1.0/position -- the first touch counts most")
    '1.0/position'
    """
    return _checked(name, expression, tuple(columns.items()))


@functools.cache
def columns_of(expression: str) -> frozenset[str]:
    """Return the columns that an expression refers to, in lower case.

    Raises
    ------
    InputError
        When the text is no SQL expression.

    Examples
    --------
    >>> sorted(columns_of("exp(-hours_before_end / 24) / Position"))
    ['hours_before_end', 'position']
    """
    try:
        tree = _parse(_plain_text(expression))
    except (_Refusal, RecursionError) as error:
        raise InputError(f"{_shorten(expression)!r} cannot be read: {_reason(error)}.") from error
    return frozenset(column.name.lower() for column in tree.find_all(exp.Column))


@functools.cache
def _checked(name: str, expression: str, columns: tuple[tuple[str, str], ...]) -> str:
    try:
        text = _plain_text(expression)
        _check_parts(_parse(text), [column for column, _ in columns])
        _check_type(text, columns)
    except (_Refusal, RecursionError) as error:
        raise InputError(
            f"the rule {name!r} cannot weigh a touch by {_shorten(expression)!r}: {_reason(error)}."
            f" It may use the columns {', '.join(column for column, _ in columns)}."
        ) from error
    return text


def _plain_text(expression: str) -> str:
    """Return the text without comments and trailing semicolons, with single spaces."""
    if len(expression) > _MAX_LENGTH:
        raise _Refusal(f"it has {len(expression)} characters, and {_MAX_LENGTH} are the most")
    if _NO_TEXT.search(expression):
        raise _Refusal("it holds a character that is not text")
    try:
        tokens = sqlglot.tokenize(expression, dialect="duckdb")
    except TokenError as error:
        raise _Refusal("a quote or a comment in it is not closed") from error
    while tokens and tokens[-1].token_type is sqlglot.TokenType.SEMICOLON:
        tokens.pop()
    if any(token.token_type is sqlglot.TokenType.SEMICOLON for token in tokens):
        raise _Refusal("it is more than one statement")
    text, end = "", 0
    for token in tokens:
        text += " " * (token.start > end) + expression[token.start : token.end + 1]
        end = token.end + 1
    if not text:
        raise _Refusal("it is empty")
    return text.strip()


def _parse(text: str) -> exp.Expr:
    try:
        return sqlglot.parse_one(text, dialect="duckdb")
    except ParseError as error:
        place = error.errors[0]["highlight"] if error.errors else ""
        raise _Refusal(f"syntax error at {_shorten(place or text)!r}") from error


def _check_parts(tree: exp.Expr, columns: list[str]) -> None:
    for node in tree.walk():
        fault = _column_fault(node, columns) if isinstance(node, exp.Column) else _fault(node)
        if fault:
            raise _Refusal(fault)


def _column_fault(node: exp.Column, columns: list[str]) -> str | None:
    if len(node.parts) > 1:
        return f"{'.'.join(part.name for part in node.parts)!r} is more than the name of a column"
    if node.name.lower() in columns:
        return None
    near = difflib.get_close_matches(node.name.lower(), columns, n=1)
    hint = f"did you mean {near[0]!r}?" if near else "text stands in single quotes"
    return f"there is no column {node.name!r} ({hint})"


def _fault(node: exp.Expr) -> str | None:
    """Return why a node is not allowed, None where it is."""
    kind = type(node)
    if kind in _SYNTAX or kind in _FUNCTIONS or (kind is exp.DataType and node.this in _TYPES):
        return None
    sql = _shorten(node.sql(dialect="duckdb", comments=False))
    if kind is exp.DataType:
        return f"it casts to {sql!r}, which is neither number nor text"
    called = re.match(r"(\w+)\(", sql.lower())
    if called is None or not isinstance(node, exp.Func):
        return f"it holds {sql!r} ({node.key}), which no rule may use"
    if kind is exp.Anonymous and called[1] in _OTHER_FUNCTIONS:
        return None
    known = ", ".join(sorted({*_FUNCTIONS.values(), *_OTHER_FUNCTIONS}))
    return f"{called[1]!r} is not among the functions of a rule ({known})"


def _check_type(text: str, columns: tuple[tuple[str, str], ...]) -> None:
    """Run the expression over an empty table in an isolated database, and check its type."""
    typed = ", ".join(f'"{column}" {kind}' for column, kind in columns)
    try:
        with duckdb.connect(config=_ISOLATED) as connection:
            connection.execute(f"create table touches ({typed})")
            rows = connection.sql(f"select ({text}) from touches")
            kind = str(rows.types[0])
            rows.fetchall()
    except duckdb.Error as error:
        if re.search("expression depth|memory exhausted", str(error), re.IGNORECASE):
            raise _Refusal(_TOO_DEEP) from error
        # The rest of the message shows a statement that the user did not write.
        sentence = re.split(r"\n|\. (?=[A-Z])", str(error).partition("Error: ")[2])[0]
        raise _Refusal(_shorten(sentence).rstrip(".")) from error
    if not _NUMBER.fullmatch(kind):
        raise _Refusal(f"it returns {'text' if kind == 'VARCHAR' else kind}, not a number")


def _reason(error: Exception) -> str:
    return _TOO_DEEP if isinstance(error, RecursionError) else str(error)


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_QUOTE else f"{text[: _MAX_QUOTE - 1]}…"
