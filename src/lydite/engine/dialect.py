"""Translates SQL from DuckDB to Spark.

Only an allow-list of functions is translated: those that are equal on both engines, and those that
are rewritten here. Any other function is an error, because a query with another result is worse
than a query that does not run.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.simplify import simplify

from lydite.engine.duckdb import IS_DUCKDB_2
from lydite.engine.macros import expand_macros
from lydite.errors import LyditeError
from lydite.timezones import UTC

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Rewrite = Callable[..., exp.Expr]

#: Functions (in the sense of sqlglot) that are the same on both engines.
SAME: tuple[type[exp.Expr], ...] = (
    exp.Abs,
    exp.And,
    exp.AnyValue,
    exp.Case,
    exp.Cast,
    exp.Coalesce,
    exp.Contains,
    exp.Count,
    exp.Decode,
    exp.DenseRank,
    exp.EndsWith,
    exp.Exists,
    exp.Explode,
    exp.FirstValue,
    exp.GenerateSeries,
    exp.Greatest,
    exp.If,
    exp.IsNan,
    exp.Lag,
    exp.Lead,
    exp.Least,
    exp.LogicalOr,
    exp.MD5,
    exp.Max,
    exp.Min,
    exp.Nullif,
    exp.Or,
    exp.Pow,
    exp.Rank,
    exp.Replace,
    exp.Round,
    exp.RowNumber,
    exp.SplitPart,
    exp.StartsWith,
    exp.StrPosition,
    exp.Struct,
    exp.Substring,
    exp.Sum,
    exp.TryCast,
    exp.Upper,  # except for letters that become two, such as ß
    exp.Uuid,  # another value for each row
)

# Text that both parse as a number: only Java parses 1d and 0x1p3, and only DuckDB ignores _ between
# digits.
_NUMBER = r"(?i)^\s*[+-]?((\d+(_\d+)*\.?\d*|\.\d+)(e[+-]?\d+)?|inf|infinity|nan)\s*\z"
# Text that both parse as a time: only Spark parses 2026, 2026-03 and 12:00 (today at noon).
_ZONE = r"Z|[+-]\d\d(:?\d\d){0,2}| [A-Za-z]\S*"
# Only DuckDB 2 parses a time zone, or a blank, right after the minutes.
_SECONDS = r":\d{2}(\.\d*)?"
_CLOCK = r"[ T]\d{1,2}:\d{2}" + (
    rf"({_SECONDS})?({_ZONE})?\s*" if IS_DUCKDB_2 else rf"({_SECONDS}({_ZONE})?\s*)?"
)
_TIME = rf"^\s*\d{{4}}-\d{{1,2}}-\d{{1,2}}({_CLOCK}|\s*)\z"
# Spark parses a time zone only after seconds.
_MINUTES_AND_ZONE = rf"([ T]\d{{1,2}}:\d{{2}})({_ZONE})\s*\z"
_SLASHES = r"^(\s*\d{4})/(\d{1,2})/(\d{1,2})"  # DuckDB also parses 2026/03/01


class UntranslatableError(LyditeError):
    """SQL without an equal on Spark; the message names the part and an alternative."""


def translate(
    sql: str,
    parameters: Mapping[str, object] | None = None,
    rename: Callable[[str], str] = str,
    timezone: str = UTC,
) -> str:
    """Translate a DuckDB statement to Spark.

    Parameters
    ----------
    sql
        A select statement.
    parameters
        The values of its ``$names``; they become literals with the type that DuckDB would bind.
    rename
        Returns the name on Spark of a table in the statement.
    timezone
        The time zone of local times.

    Raises
    ------
    UntranslatableError
        When a part of the statement is not on the allow-list.
    """
    try:
        tree = expand_macros(parse_one(sql, read="duckdb"))
    except SqlglotError as error:
        raise UntranslatableError(f"not valid DuckDB SQL: {error}") from error
    values = parameters or {}
    # From the leaves up, so that the children of a rewritten node are already rewritten.
    for node in reversed(list(tree.walk(bfs=False))):
        new = _rewritten(node, values, rename, timezone)
        if new is node:
            continue
        if node is tree:
            tree = new
        else:
            node.replace(new)
    return str(tree.sql(dialect="spark", comments=False))


def _rewritten(
    node: exp.Expr,
    parameters: Mapping[str, object],
    rename: Callable[[str], str],
    timezone: str,
) -> exp.Expr:
    if isinstance(node, exp.Placeholder | exp.Parameter):
        return _value(node.name, parameters)
    if isinstance(node, exp.Table):
        return _table(node, rename)
    if isinstance(node, exp.Anonymous) and node.name.lower() in _CONVERSIONS:
        return _converted(node, timezone)
    rewrite = _REWRITES.get(type(node))
    if rewrite is not None:
        return rewrite(node)
    if isinstance(node, exp.Func) and not isinstance(node, SAME):
        raise _unknown(node)
    return node


def _unknown(node: exp.Func) -> UntranslatableError:
    return UntranslatableError(
        f"{_duck(node)}: not known to have the same meaning on Spark. Use other"
        " functions, or add it to lydite/engine/dialect.py with a test on both engines."
    )


# --- names and values -----------------------------------------------------------------------------


def _table(table: exp.Table, rename: Callable[[str], str]) -> exp.Expr:
    name = ".".join(part.name for part in table.parts)
    renamed = rename(name)
    if renamed != name:
        new = exp.to_table(renamed, dialect="spark")
        for part in ("this", "db", "catalog"):
            table.set(part, new.args.get(part))
        if not table.alias:  # columns may be qualified by the original table name
            table.set("alias", exp.TableAlias(this=exp.to_identifier(name.split(".")[-1])))
    return table


def _value(name: str, parameters: Mapping[str, object]) -> exp.Expr:
    if name not in parameters:
        raise UntranslatableError(f"the parameter ${name} has no value")
    return literal(parameters[name])


def literal(value: object) -> exp.Expr:  # noqa: PLR0911 - one for each type
    """Return a Python value as a SQL literal.

    Raises
    ------
    UntranslatableError
        When there is no literal for its type.
    """
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case int():
            number: exp.Expr = exp.Literal.number(abs(value))
            return exp.Neg(this=number) if value < 0 else number
        case float():
            return exp.cast(exp.Literal.string(repr(value)), "double")
        case str():
            return exp.Literal.string(value)
        case datetime():
            kind = "timestamp" if value.tzinfo is None else "timestamptz"
            return exp.cast(exp.Literal.string(value.isoformat(" ")), kind, dialect="duckdb")
        case date():
            return exp.cast(exp.Literal.string(value.isoformat()), "date")
        case list():
            return exp.Array(expressions=[literal(item) for item in value])
    raise UntranslatableError(f"a {type(value).__name__} cannot be a parameter on Spark")


def _number(node: exp.Literal) -> exp.Expr:
    """Make 1.5 a double: as a decimal, it would turn whole sums into decimals."""
    if node.is_string or node.is_int or "e" in node.name.lower():
        return node
    return exp.cast(exp.Literal.string(node.name), "double")


# --- time -----------------------------------------------------------------------------------------


def _epoch_us(time: exp.Expr) -> exp.Expr:
    """Return microseconds since the epoch; the time zone of the session is UTC."""
    return exp.Anonymous(this="unix_micros", expressions=[_cast(time, "timestamptz")])


# Of a local time that occurs twice, as clocks go back, DuckDB takes the second instant and Spark
# the first. The offset of the second one is that of a day later. Of a time that clocks skip, both
# take the instant by the offset before.
_FIRST = "unix_micros(to_utc_timestamp(cast(:time as timestamp), :zone))"
_DAY_AFTER = f"timestamp_micros({_FIRST} + 90000000000)"
_SECOND = (
    f"unix_micros(cast(:time as timestamp)) + {_FIRST} + 90000000000"
    f" - unix_micros(from_utc_timestamp({_DAY_AFTER}, :zone))"
)
_CONVERSIONS = {
    "local_time": ("cast(from_utc_timestamp(cast(:time as timestamp), :zone) as timestamp_ntz)"),
    "from_local_time": f"""
        cast(timestamp_micros(case
            when {_SECOND} > {_FIRST} and from_utc_timestamp(timestamp_micros({_SECOND}), :zone)
                = cast(:time as timestamp) then {_SECOND}
            else {_FIRST}
        end) as timestamp_ntz)
    """,
}


def _converted(node: exp.Anonymous, timezone: str) -> exp.Expr:
    """Convert a time of UTC to local time, or the reverse; the session's zone is UTC."""
    time: exp.Expr = node.expressions[0]
    if timezone == UTC:
        return time
    template = _CONVERSIONS[node.name.lower()]
    return _spark(template, time=time, zone=exp.Literal.string(timezone))


def _make_timestamp(node: exp.UnixToTime) -> exp.Expr:
    micros = exp.Anonymous(this="timestamp_micros", expressions=[node.this])
    return _cast(micros, "timestamp")


def _cast(value: exp.Expr, kind: str) -> exp.Expr:
    """Cast to a type, named as in DuckDB."""
    return exp.cast(value, kind, dialect="duckdb")


# --- casts ----------------------------------------------------------------------------------------


def _try_cast(node: exp.TryCast) -> exp.Expr:
    """Parse only the text that DuckDB parses; Spark drops branches of other types."""
    kind = node.to.sql(dialect="duckdb")
    if kind == "DOUBLE":
        return _spark(
            """
            case
                when typeof(:value) <> 'string' then try_cast(:value as double)
                when regexp_like(cast(:value as string), :number)
                    then try_cast(replace(cast(:value as string), '_', '') as double)
            end
            """,
            value=node.this,
            number=exp.Literal.string(_NUMBER),
        )
    if kind == "TIMESTAMPTZ":
        return _spark(
            "case when regexp_like(:dashed, :time)"
            " then try_cast(regexp_replace(:dashed, :minutes, '$1:00$2') as timestamp) end",
            dashed=_spark(
                "regexp_replace(cast(:value as string), :slashes, '$1-$2-$3')",
                value=node.this,
                slashes=exp.Literal.string(_SLASHES),
            ),
            time=exp.Literal.string(_TIME),
            minutes=exp.Literal.string(_MINUTES_AND_ZONE),
        )
    return _wide(node)


def _plain_cast(node: exp.Cast) -> exp.Expr:
    """Parse '0x' and hexadecimal digits as a number."""
    text = node.this
    if isinstance(text, exp.DPipe) and text.this.is_string and text.this.name == "0x":
        number = "cast(conv(:digits, 16, 10) as bigint)"
        return _spark(number, digits=text.expression)
    return _wide(node)


def _wide(node: exp.Cast) -> exp.Expr:
    """Replace HUGEINT by the widest whole number of Spark."""
    if node.to.this == exp.DataType.Type.INT128:
        node.set("to", exp.DataType.build("decimal(38, 0)"))
    return node


def _trunc(node: exp.Trunc) -> exp.Expr:
    return _spark("case when :value < 0 then ceil(:value) else floor(:value) end", value=node.this)


def _floor(node: exp.Floor) -> exp.Expr:
    """Return a double: Spark returns a whole number, and 0 for NaN."""
    return _spark(
        "case when abs(:value) < 1e15 then cast(floor(:value) as double) else :value end",
        value=node.this,
    )


def _chr(node: exp.Chr) -> exp.Expr:
    """Return the letter of a number, as a literal: Spark numbers those beyond 255 differently."""
    number = node.expressions[0]
    if not number.is_int:
        raise UntranslatableError(f"{_duck(node)}: Spark numbers letters differently")
    return exp.Literal.string(chr(int(number.name)))


def _trim(node: exp.Trim) -> exp.Expr:
    """Trim blanks of all alphabets: Spark trims those of ASCII."""
    if node.expression is not None or node.args.get("position"):
        raise UntranslatableError(f"{_duck(node)}: trims other letters or one side. Use a pattern.")
    blanks = exp.Literal.string(r"^\p{Zs}+|\p{Zs}+\z")
    return _spark("regexp_replace(:text, :blanks, '')", text=node.this, blanks=blanks)


def _try(node: exp.Try) -> exp.Expr:
    if not isinstance(node.this, exp.Decode):
        raise UntranslatableError(f"{_duck(node)}: Spark has no try() of this")
    return _spark("try_validate_utf8(cast(:bytes as string))", bytes=node.this.this)


# --- patterns -------------------------------------------------------------------------------------


def _match(node: exp.RegexpLike) -> exp.Expr:
    pattern = _pattern(node.expression)
    return exp.Anonymous(this="regexp_like", expressions=[node.this, pattern])


def _full_match(node: exp.RegexpFullMatch) -> exp.Expr:
    pattern = _pattern(node.expression)
    whole = exp.Literal.string(rf"^(?:{pattern.name})\z")
    return exp.Anonymous(this="regexp_like", expressions=[node.this, whole])


def _replace(node: exp.RegexpReplace) -> exp.Expr:
    r"""Replace all matches, as Spark always does; its groups are named $1, not \1."""
    pattern = _pattern(node.expression)
    every, once = node.args.get("modifiers"), node.expression.name.startswith("^")
    once = once or pattern.name.endswith(r"\z")
    if not once and (every is None or every.name != "g"):
        raise UntranslatableError(f"{_duck(node)}: Spark replaces every match. Add the option 'g'.")
    new = node.args["replacement"].name
    if "$" in new:
        raise UntranslatableError(f"{_duck(node)}: $ starts a group on Spark")
    groups = exp.Literal.string(new.replace("\\", "$"))
    return exp.Anonymous(this="regexp_replace", expressions=[node.this, pattern, groups])


def _extract(node: exp.RegexpExtract) -> exp.Expr:
    pattern = _pattern(node.expression)
    group = node.args.get("group") or exp.Literal.number(0)
    return exp.Anonymous(this="regexp_extract", expressions=[node.this, pattern, group])


def _lower(node: exp.Lower) -> exp.Expr:
    """Map each letter to one letter, regardless of context; Java has special cases."""
    return _spark("lower(replace(replace(:text, 'İ', 'i'), 'Σ', 'σ'))", text=node.this)


def _pattern(node: exp.Expr) -> exp.Literal:
    """Check that a pattern has the same meaning on both engines, and return it.

    A dot matches all but a line feed, as in DuckDB: Java has more ends of lines.
    """
    if not (isinstance(node, exp.Literal) and node.is_string):
        raise UntranslatableError(f"{_duck(node)}: the pattern has to be a literal")
    replacements = {"$": r"\z", r"\v": r"\x0B"}
    for sign, replacement in replacements.items():
        if sign in node.name:
            raise UntranslatableError(
                f"the pattern {node.name!r} holds {sign}, which has another meaning in Java:"
                f" write {replacement}"
            )
    has_dot = "." in node.name.replace("\\.", "")
    return exp.Literal.string(f"(?d){node.name}") if has_dot else node


# --- other constructs -----------------------------------------------------------------------------


def _row_number(node: exp.Window) -> exp.Expr:
    """Replace row_number() without an order by ids, which have gaps."""
    named = node.args.get("alias") or node.args.get("over") != "OVER"
    ordered = node.args.get("order") or node.args.get("partition_by")
    if isinstance(node.this, exp.RowNumber) and not named and not ordered:
        return exp.Anonymous(this="monotonically_increasing_id")
    return node


def _frame(node: exp.WindowSpec) -> exp.Expr:
    """Evaluate the bounds of a window: Spark accepts only literals."""
    for side in ("start", "end"):
        bound = node.args.get(side)
        if isinstance(bound, exp.Expr):
            node.set(side, simplify(bound))
    return node


def _join(node: exp.Join) -> exp.Expr:
    if node.method == "ASOF":
        raise UntranslatableError("Spark has no ASOF join: write a window over both tables")
    return node


def _star(node: exp.Star) -> exp.Expr:
    if node.args.get("replace"):
        raise UntranslatableError(f"{_duck(node)}: Spark has no replace. Exclude the column.")
    return node


def _union(node: exp.Union) -> exp.Expr:
    if node.args.get("by_name"):
        raise UntranslatableError("Spark has no union by name: list the columns in one order")
    return node


def _qualify(node: exp.Qualify) -> exp.Expr:
    """Refuse `select *` with qualify: the translation adds a column to it."""
    if isinstance(node.parent, exp.Select) and node.parent.is_star:
        raise UntranslatableError(f"{_duck(node)}: list the columns, or filter in an outer select")
    return node


def _bracket(node: exp.Bracket) -> exp.Expr:
    raise UntranslatableError(
        f"{_duck(node)}: list indexes start elsewhere on Spark. Unnest the list."
    )


def _by_smallest(node: exp.ArgMin) -> exp.Expr:
    """Ignore rows without a value, as DuckDB does."""
    if isinstance(node.expression, exp.Tuple):
        raise UntranslatableError(f"{_duck(node)}: order by one column")
    return _spark("min_by(:value, :key) filter (where :value is not null)",
                  value=node.this, key=node.expression)  # fmt: skip


def _listed(node: exp.GroupConcat) -> exp.Expr:
    """Require an order: without one, the result depends on the engine."""
    if not isinstance(node.this, exp.Order):
        raise UntranslatableError(f"{_duck(node)}: add an order")
    return node


def _concat(node: exp.Concat) -> exp.Expr:
    """Ignore nulls, and cast all parts to text."""
    empty = exp.Literal.string("")
    parts = [exp.func("coalesce", _cast(part, "varchar"), empty) for part in node.expressions]
    return exp.Anonymous(this="concat", expressions=parts)


def _anonymous(node: exp.Anonymous) -> exp.Expr:
    name = node.name.lower()
    if name == "epoch_us":
        return _epoch_us(node.expressions[0])
    if name == "error":
        return exp.Anonymous(this="raise_error", expressions=node.expressions)
    raise _unknown(node)


def _duck(node: exp.Expr) -> str:
    """Return a part of a statement in the DuckDB dialect."""
    return str(node.sql(dialect="duckdb"))


def _spark(template: str, **parts: exp.Expr) -> exp.Expr:
    """Return an expression in the Spark dialect; `parts` replace its ``:names``."""
    return exp.replace_placeholders(parse_one(template, read="spark"), **parts)


_REWRITES: Mapping[type[exp.Expr], Rewrite] = {
    exp.Anonymous: _anonymous,
    exp.ArgMin: _by_smallest,
    exp.Bracket: _bracket,
    exp.Cast: _plain_cast,
    exp.Chr: _chr,
    exp.Concat: _concat,
    exp.Floor: _floor,
    exp.GroupConcat: _listed,
    exp.Join: _join,
    exp.Literal: _number,
    exp.Lower: _lower,
    exp.Qualify: _qualify,
    exp.RegexpExtract: _extract,
    exp.RegexpFullMatch: _full_match,
    exp.RegexpLike: _match,
    exp.RegexpReplace: _replace,
    exp.Star: _star,
    exp.Trim: _trim,
    exp.Trunc: _trunc,
    exp.Try: _try,
    exp.TryCast: _try_cast,
    exp.Union: _union,
    exp.UnixToTime: _make_timestamp,
    exp.Window: _row_number,
    exp.WindowSpec: _frame,
}
