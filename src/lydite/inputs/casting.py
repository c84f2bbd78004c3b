"""Casts the columns of a source to the names and types of an input table."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NoReturn

from lydite.engine.duckdb import quote_identifier, quote_literal
from lydite.errors import InputError
from lydite.inputs.files import FILE_COLUMN
from lydite.inputs.numbers_as_text import number_of_text
from lydite.inputs.numbers_as_times import times_of_numbers
from lydite.inputs.schema import Column, Kind, Table
from lydite.inputs.source_rows import normalise_name
from lydite.inputs.timezones import refuse_mixed_zones, zone_in

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lydite.engine import Engine
    from lydite.inputs.source_rows import Relation
    from lydite.inputs.timezones import Zone
    from lydite.settings import DeclaredEnds

_INTEGERS = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"}
_INTEGERS |= {f"U{name}" for name in _INTEGERS}
_FLOATS = {"FLOAT", "DOUBLE"}
_TIMES = {"TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "DATE"}
_ZONED = "TIMESTAMP WITH TIME ZONE"

# Blank characters: trim() alone keeps tabs and line ends. Patterns here mean the same to RE2 and to
# Java: \x0B and \z, not \v and $.
_BLANK = r"[\s\x0B\p{Z}\x{FEFF}]"


def match_columns(relation: Relation, table: Table) -> dict[str, str]:
    """Return the source's column for each column of the table that it has; case does not matter.

    Raises
    ------
    InputError
        When a required column is missing; the message lists the columns and similar names.
    """
    by_name = {normalise_name(name): name for name in relation.columns}
    found = {
        column.name: by_name[column.name] for column in table.columns if column.name in by_name
    }
    named = traffic_columns(relation, table)
    missing = [
        column.name
        for column in table.columns
        if column.required and column.name not in found and not (named and column.name == "channel")
    ]
    if missing:
        raise InputError(_missing_columns_message(relation, missing))
    return found


_INSTEAD_OF_CHANNEL = " Instead of 'channel', 'source' and 'medium' will do."


def _missing_columns_message(relation: Relation, missing: list[str]) -> str:
    names = [name for name in relation.columns if name != FILE_COLUMN]
    lowered = {normalise_name(name): name for name in names}
    hints = []
    for name in missing:
        near = difflib.get_close_matches(name, lowered, n=1)
        hints += [f"did you mean {name!r} for {lowered[near[0]]!r}?"] if near else []
    wanted = ", ".join(map(repr, missing))
    return (
        f"{relation.place}: lacks the required column{'s' * (len(missing) > 1)} {wanted};"
        f" it has {', '.join(map(repr, names))}"
        + (f"; {' '.join(hints)}" if hints else ".")
        + " Rename the columns, or select them under these names in a .sql source."
        + (_INSTEAD_OF_CHANNEL if "channel" in missing else "")
    )


def segment_columns(relation: Relation, table: Table) -> list[str]:
    """Return the source's columns that become segments, if the table has segments."""
    known = {column.name for column in table.columns}
    others = [name for name in relation.columns if normalise_name(name) not in known]
    return others if table.has_segments else []


def traffic_columns(relation: Relation, table: Table) -> dict[str, str]:
    """Return the source's column for each column about visits; none without medium or referrer.

    A source alone may be anything: the name of a website or of a database.
    """
    by_name = {normalise_name(name): name for name in relation.columns}
    found = {
        column.name: by_name[column.name] for column in table.traffic if column.name in by_name
    }
    return found if {"medium", "referrer"} & set(found) else {}


def cast_select(
    engine: Engine,
    relation: Relation,
    table: Table,
    ends: DeclaredEnds,
    *,
    names_channels: bool = False,
) -> str:
    """Return the select of ``raw.<table>``: the columns of the table, and the unchanged source row.

    Text is trimmed, and blank text is null. Times are UTC without a zone, null where they cannot be
    read. Numbers that came as text stay text, so that the table's SQL can distinguish null from
    invalid. The column ``as_of`` is the declared end of the data that a row belongs to. With
    `names_channels` there are the columns that `lydite.inputs.channels` needs.

    Raises
    ------
    InputError
        When a required column is missing, or a whole column cannot be read.
    """
    matched = match_columns(relation, table)
    expressions = {
        column.name: _expression(engine, relation, column, matched.get(column.name))
        for column in table.columns
    }
    columns = [f"{expression} as {name}" for name, expression in expressions.items()]
    if table.name in {"touchpoints", "conversions"}:
        columns.append(f"{_declared_end(table, expressions, ends)} as as_of")
    if table.has_segments:
        columns.append(f"{_segments(relation, segment_columns(relation, table))} as segments")
        columns.append("row_number() over () as source_order")
    if names_channels:
        columns += _visit(relation, table)
    columns.append(f"{_source_row(relation)} as source_row")
    return "select\n    " + ",\n    ".join(columns) + f"\nfrom {relation.sql}"


def day_of_source_row(engine: Engine, relation: Relation, table: Table) -> str:
    """Return the expression of the local day of an unchanged source row, null where it has none."""
    source = match_columns(relation, table)[table.time.name]
    return day_of(table, _expression(engine, relation, table.time, source))


def day_of(table: Table, time: str | None = None) -> str:
    """Return the expression of the local day of a loaded row.

    Parameters
    ----------
    table
        An input table whose rows have a time.
    time
        The expression of the row's time; by default the column.
    """
    time = time or table.time.name
    return time if table.time.kind is Kind.DAY else f"cast(local_time({time}) as date)"


def zone_of(
    engine: Engine, relation: Relation, table: Table, *, declared: bool = False
) -> Zone | None:
    """Return what the times of a source say about their zone; None if unknown, as for days.

    Where a time zone is declared, times without one have that.
    """
    names = [column.name for column in table.columns if column.kind is Kind.INSTANT]
    if not names:
        return None
    name = match_columns(relation, table)[names[0]]
    kind = relation.columns[name]
    if kind == _ZONED or kind in _TIMES - {"DATE"}:
        return "given" if kind == _ZONED or declared else "none"
    text = _trimmed(text_of(name, kind))
    rows = engine.rows(f"select {text} from {relation.sql} where {text} is not null limit 100")
    zones = {zone_in(example) for (example,) in rows} - {None}
    zone = zones.pop() if len(zones) == 1 else None
    return "given" if zone == "none" and declared else zone


def _visit(relation: Relation, table: Table) -> list[str]:
    """Return the columns about a visit: click ids as the platform, the referrer as its host."""
    found = traffic_columns(relation, table)
    text = {
        name: _label(found[name], relation.columns[found[name]])
        if name in found
        else "cast(null as varchar)"
        for name in ("source", "medium", "click_ids", "referrer")
    }
    return [
        f"{text['source']} as source",
        f"{text['medium']} as medium",
        f"paid_click({text['click_ids']}) as platform",
        f"url_host({text['referrer']}) as referrer",
    ]


def _declared_end(table: Table, expressions: Mapping[str, str], ends: DeclaredEnds) -> str:
    """Return the instant after which a row is set aside, null for none."""
    if table.name == "touchpoints":
        return _timestamp(ends.touchpoints)
    default = _timestamp(ends.conversions)
    if not ends.by_outcome:
        return default
    [column] = [column for column in table.columns if column.name == "outcome"]
    outcome = f"coalesce({expressions['outcome']}, {quote_literal(str(column.default))})"
    cases = [
        f"when {quote_literal(name)} then {_timestamp(end)}"
        for name, end in ends.by_outcome.items()
    ]
    return f"case {outcome} {' '.join(cases)} else {default} end"


def _timestamp(time: datetime | None) -> str:
    value = "null" if time is None else quote_literal(time.isoformat(" "))
    return f"cast({value} as timestamp)"


def _segments(relation: Relation, names: list[str]) -> str:
    fields = [
        f"{quote_identifier(name)} := {_label(name, relation.columns[name])}" for name in names
    ]
    return f"struct_pack({', '.join(fields)})" if fields else "null"


def _source_row(relation: Relation) -> str:
    """Pack the unchanged row; a column `reason` is renamed, as the quarantine has its own."""
    names = list(relation.columns)
    taken = {normalise_name(name) for name in names}
    free = "source_reason"
    while free in taken:
        free = f"source_{free}"
    fields = [
        f"{quote_identifier(free if is_taken else name)} := {quote_identifier(name)}"
        for name in names
        for is_taken in [normalise_name(name) == "reason"]
    ]
    return f"struct_pack({', '.join(fields)})"


def _expression(engine: Engine, relation: Relation, column: Column, source: str | None) -> str:
    if source is None:
        return f"cast(null as {column.type})"
    kind = relation.columns[source]
    match column.kind:
        case Kind.IDENTIFIER:
            return _identifier(source, kind)
        case Kind.LABEL:
            return _label(source, kind)
        case Kind.NUMBER:
            return _number(engine, relation, source)
        case Kind.INSTANT:
            return _instant(engine, relation, source)
        case Kind.DAY:
            return f"cast({_day(engine, relation, source)} as date)"


def text_of(name: str, kind: str) -> str:
    """Return the text of a value; whole floats and decimals have no fraction."""
    value = quote_identifier(name)
    if kind == "VARCHAR":
        return value
    if kind in _FLOATS or kind.startswith("DECIMAL"):
        missing = f"when isnan({value}) then null " if kind in _FLOATS else ""
        whole = f"try_cast(try_cast({value} as hugeint) as varchar)"
        return (
            f"case {missing}when {value} = trunc({value}) and abs({value}) < 1e18 then {whole}"
            f" else cast({value} as varchar) end"
        )
    if kind == "BLOB":
        return f"coalesce(try(decode({value})), cast({value} as varchar))"
    if kind == "JSON":
        return f"json_extract_string({value}, '$')"
    return f"cast({value} as varchar)"


def _identifier(name: str, kind: str) -> str:
    """Keep an id unchanged, also blanks around it; an id of blanks only is null."""
    text = text_of(name, kind)
    return text if kind in _INTEGERS or kind in _FLOATS or kind == "UUID" else _unless_blank(text)


def _label(name: str, kind: str) -> str:
    return f"nullif({_trimmed(text_of(name, kind))}, '')"


def _number(engine: Engine, relation: Relation, name: str) -> str:
    kind = relation.columns[name]
    if kind in _INTEGERS or kind in _FLOATS or kind.startswith("DECIMAL"):
        return f"cast({quote_identifier(name)} as double)"
    return number_of_text(engine, relation, _unless_blank(text_of(name, kind)))


def _unless_blank(text: str) -> str:
    # Text that starts with a printed ASCII character is not blank: faster than the pattern.
    return (
        f"case when {text} between '!' and '~' then {text}"
        f" when not regexp_full_match({text}, '{_BLANK}*') then {text} end"
    )


def _trimmed(text: str) -> str:
    return f"regexp_replace({text}, '^{_BLANK}+|{_BLANK}+\\z', '', 'g')"


def _instant(engine: Engine, relation: Relation, name: str) -> str:
    """Return the expression of times in UTC; times without a zone are local times."""
    time, zone = _read_times(engine, relation, name)
    return f"from_local_time({time})" if zone == "none" else time


def _day(engine: Engine, relation: Relation, name: str) -> str:
    """Return the expression of local times; days and times without a zone are local already."""
    time, zone = _read_times(engine, relation, name)
    return time if zone == "none" else f"local_time({time})"


def _read_times(engine: Engine, relation: Relation, name: str) -> tuple[str, Zone | None]:
    """Return the expression of times, and what they say about their zone; None where no time is.

    Times without a zone are as they are written, others are UTC.
    """
    kind, value = relation.columns[name], quote_identifier(name)
    if kind in _TIMES:
        return _in_utc(f"try_cast({value} as timestamp)"), "none"
    if kind == _ZONED:
        return _in_utc(value), "given"
    if kind in {"VARCHAR", "JSON"} or kind.startswith("ENUM"):
        text = text_of(name, kind)
        time = _in_utc(_parsed(text))
        zone = refuse_mixed_zones(engine, relation, name, _trimmed(text), time)
        if zone == "epoch":
            return times_of_numbers(engine, relation, name, _trimmed(text))
        return time, zone
    if engine.scalar(f"select count({value}) from {relation.sql}"):
        if kind in _INTEGERS or kind in _FLOATS or kind.startswith("DECIMAL"):
            what = f"numbers of type {kind}"
            return times_of_numbers(engine, relation, name, text_of(name, kind), what)
        _refuse_type(engine, relation, name)
    return "cast(null as timestamp)", None


def _parsed(text: str) -> str:
    """Parse ISO-8601 text; spellings that DuckDB cannot parse are rewritten first.

    The type is TIMESTAMPTZ, which takes text without a zone as UTC: TIMESTAMP would ignore offsets.
    """
    upper = f"replace(upper({_trimmed(text)}), ',', '.')"
    minutes = r"\d{4}[-/]\d{1,2}[-/]\d{1,2}[T ]\d{1,2}:\d\d"
    seconds = f"regexp_replace({upper}, '^({minutes}) ?(Z|[+-].*)?\\z', '\\1:00\\2')"
    joined = f"regexp_replace({seconds}, ' (Z|[+-].*)\\z', '\\1')"
    return f"coalesce(try_cast({text} as timestamptz), try_cast({joined} as timestamptz))"


def _in_utc(time: str) -> str:
    """Drop the zone; infinity, which has no microseconds, becomes null; timezone() is slow."""
    return f"make_timestamp(epoch_us({time}))"


def _refuse_type(engine: Engine, relation: Relation, name: str) -> NoReturn:
    kind, value = relation.columns[name], quote_identifier(name)
    example = engine.scalar(f"select {value} from {relation.sql} where {value} is not null limit 1")
    raise InputError(
        f"{relation.place}: column {name!r} has the type {kind} (such as {example}), which is not"
        " a time. Cast it to a timestamp in a .sql source."
    )
