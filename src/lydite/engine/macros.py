"""Replaces calls of macros by what they stand for: Spark has no macros."""

from __future__ import annotations

from functools import cache

from sqlglot import exp, parse

from lydite.engine.sql_files import load_sql

#: The files that define macros for DuckDB.
_FILES = ("channels/macros",)


def expand_macros(tree: exp.Expr) -> exp.Expr:
    """Return a statement without calls of macros.

    Parameters
    ----------
    tree
        A statement in the DuckDB dialect; it may be changed.
    """
    return tree.transform(_expand, copy=False)


def _expand(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Anonymous) and node.name.lower() in _macros():
        names, body = _macros()[node.name.lower()]
        arguments = dict(zip(names, node.expressions, strict=True))

        def put(part: exp.Expr) -> exp.Expr:
            is_argument = isinstance(part, exp.Column) and part.name in arguments
            return exp.paren(arguments[part.name].copy()) if is_argument else part

        return exp.paren(expand_macros(body.copy().transform(put)))
    return node


@cache
def _macros() -> dict[str, tuple[tuple[str, ...], exp.Expr]]:
    """Return the names of the parameters of each macro, and its expression."""
    statements = [one for file in _FILES for one in parse(load_sql(file), read="duckdb") if one]
    return {
        statement.this.this.name.lower(): (
            tuple(parameter.name for parameter in statement.this.expressions),
            statement.expression.transform(_join_literals),
        )
        for statement in statements
    }


def _join_literals(node: exp.Expr) -> exp.Expr:
    """Join the parts of a long pattern, which are literals."""
    if isinstance(node, exp.DPipe):
        parts = list(node.flatten())
        if all(isinstance(part, exp.Literal) and part.is_string for part in parts):
            return exp.Literal.string("".join(part.name for part in parts))
    return node
