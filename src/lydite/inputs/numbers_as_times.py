"""Reads columns of times that are numbers: epochs by their magnitude, and days such as 20260301."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from lydite.engine.duckdb import quote_identifier
from lydite.errors import InputError

if TYPE_CHECKING:
    from lydite.engine import Engine
    from lydite.inputs.source_rows import Relation
    from lydite.inputs.timezones import Zone


@dataclass(frozen=True)
class _Unit:
    """One way to write a time as a number.

    Attributes
    ----------
    name
        The name for messages.
    low, high
        The numbers that are read in this unit; the ranges of units do not overlap.
    time
        SQL expression of the time in UTC, null if invalid, from the text of a number.
    """

    name: str
    low: str
    high: str
    time: str


def _digits(pattern: str, iso: str) -> str:
    """Return the time of digits without separators, which are rewritten as ISO-8601."""
    text = rf"regexp_replace({{text}}, '^{pattern}\z', '{iso}')"
    return f"make_timestamp(epoch_us(try_cast({text} as timestamptz)))"


def _epoch(microseconds: str) -> str:
    return f"make_timestamp(cast(round(try_cast({{text}} as double) * {microseconds}) as bigint))"


# The braces are doubled, because the expressions are format strings.
_DAY = r"([0-9]{{4}})([0-9]{{2}})([0-9]{{2}})"
_CLOCK = r"([0-9]{{2}})([0-9]{{2}})([0-9]{{2}})"

# Epochs from 1973 to 2286. A double holds no nanoseconds, so that their digits are cut instead.
_UNITS = (
    _Unit("days such as 20260301", "19000101", "21001231", _digits(_DAY, r"\1-\2-\3")),
    _Unit("seconds since 1970", "100000000", "9999999999.999999", _epoch("1000000")),
    _Unit("milliseconds since 1970", "100000000000", "9999999999999.999", _epoch("1000")),
    _Unit(
        "times such as 20260301093000",
        "19000101000000",
        "21001231235959",
        _digits(_DAY + _CLOCK, r"\1-\2-\3T\4:\5:\6"),
    ),
    _Unit("microseconds since 1970", "100000000000000", "9999999999999999", _epoch("1")),
    _Unit(
        "nanoseconds since 1970",
        "100000000000000000",
        "9999999999999999999",
        r"make_timestamp(try_cast(regexp_replace({text}, '[0-9]{{3}}\z', '') as bigint))",
    ),
)
_UNKNOWN = "an unknown unit"

# Numbers that are not positive stand for unknown times: they are no unit.
_COUNTS = """
select
    case
        {cases}
        when try_cast({text} as double) > 0 then '{unknown}'
    end as unit,
    count(*) as count,
    min({text}) as example
from {relation}
where {text} is not null
group by unit
order by count desc, unit
"""


def times_of_numbers(
    engine: Engine, relation: Relation, column: str, text: str, what: str = "numbers"
) -> tuple[str, Zone]:
    """Return the SQL expression of times that are written as numbers, and their zone.

    Days and times of digits have no zone; numbers since 1970 are UTC.

    Parameters
    ----------
    engine
        Reads the rows.
    relation
        The source.
    column
        The column's name in the source.
    text
        SQL expression of the column as trimmed text.
    what
        What the column has, for messages.

    Raises
    ------
    InputError
        When the numbers have several units, or one that their magnitude does not show.
    """
    number = f"regexp_replace({text}, '[.]0+\\z', '')"
    cases = "\n        ".join(f"when {_is_in(unit, number)} then '{unit.name}'" for unit in _UNITS)
    rows = engine.rows(
        _COUNTS.format(cases=cases, text=number, unknown=_UNKNOWN, relation=relation.sql)
    )
    found = [(name, count, example) for name, count, example in rows if name is not None]
    if len(found) > 1:
        groups = ", ".join(f"{count} in {name} (such as {ex})" for name, count, ex in found)
        raise InputError(
            f"{relation.place}: column {column!r} has numbers in several units: {groups}."
            " Convert them to one unit first, or cast them in a .sql source."
        )
    units = [unit for unit in _UNITS if found and found[0][0] == unit.name]
    if not units:
        _refuse_unknown(relation, column, what, found[0][2] if found else rows[0][2])
    [unit] = units
    time = f"case when {_is_in(unit, number)} then {unit.time.format(text=number)} end"
    return time, "none" if "such as" in unit.name else "epoch"


def _is_in(unit: _Unit, number: str) -> str:
    return f"try_cast({number} as double) between {unit.low} and {unit.high}"


def _refuse_unknown(relation: Relation, column: str, what: str, example: object) -> NoReturn:
    name = quote_identifier(column)
    raise InputError(
        f"{relation.place}: column {column!r} has {what} (such as {example}), and their unit is"
        f" unknown. Convert it to UTC first, or cast it in a .sql source: to_timestamp({name}) for"
        f" seconds since 1970, epoch_ms({name}) for milliseconds."
    )
