"""Writes the credit of touches to Parquet, week by week.

The file has a part for each outcome and week of conversions. In most runs few conversions have
changed, so the parts that the file before has already are copied from it as they are. Its metadata
holds a digest of the rows of each part, and a checksum of its bytes.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

import duckdb

from lydite.engine.duckdb import quote_identifier, quote_literal
from lydite.engine.sql_files import resolve_sql
from lydite.models.registry import TOUCH_COLUMNS
from lydite.parquet import ParquetJoin, ParquetPart
from lydite.pipeline.marts import SCHEMA_VERSION
from lydite.pipeline.touch_credit import CREDIT, NAMED, SELECT, WEEK
from lydite.pipeline.unchanged import code_digest
from lydite.replacing import new_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from lydite.engine import DuckDBEngine

_PARTS = "parts"
_SORTED = "temp.changed_touches"
_DIGEST = "concat(count(*), ' ', sum(cast(hash({0}) as hugeint)), ' ', bit_xor(hash({0}, 1)))"


class Week(NamedTuple):
    """A part of the file: the touches with credit for conversions of an outcome in one week."""

    outcome: str
    monday: str


def write_touch_credit(engine: DuckDBEngine, path: Path, before: Path) -> None:
    """Write the credit of touches to `path`, and copy the parts that have not changed.

    Rows are sorted by outcome, week of the conversion, user, conversion and position.

    Parameters
    ----------
    engine
        Holds ``credit.named_touches``.
    path
        The file to write.
    before
        The file that an earlier run has published, if it is there.
    """
    digests = _digests(engine)
    parts = _unchanged_parts(before, digests)
    changed = [week for week in digests if week not in parts]
    joined, about = ParquetJoin(path), []
    with new_version(before.with_suffix(".part.parquet")) as file:
        _sort_touches(engine, changed)
        for week in digests or [None]:
            part = parts.get(week) if week else None
            if part is None:
                _write_part(engine, file, week)
                part = ParquetPart.whole(file)
            place = joined.append(part)
            if week:
                about.append([*week, digests[week], *place, part.checksum()])
        engine.run(f"drop table {_SORTED}")
    joined.finish(
        {
            "run_id": _run_id(engine),
            "schema_version": str(SCHEMA_VERSION),
            _PARTS: json.dumps(about),
        }
    )


def _run_id(engine: DuckDBEngine) -> str:
    runs = "evaluation.runs"
    last = f"select run_id from {runs} order by finished_at desc, run_id limit 1"
    return (engine.scalar(last) if engine.exists(runs) else None) or ""


# --- what has changed -----------------------------------------------------------------------------


def _digests(engine: DuckDBEngine) -> dict[Week, str]:
    """Return a digest of everything that the rows of each part depend on, in their order."""
    columns = engine.columns(NAMED)
    shared: list[object] = [code_digest(), duckdb.__version__, columns]
    week = f"outcome, cast(cast({WEEK} as date) as varchar) as monday"
    # Not from the view, whose joins take most of the time.
    table = CREDIT if engine.exists(CREDIT) else NAMED
    digest = _DIGEST.format(_rounded(engine.columns(table)))
    selects = [f"select {week}, {digest} as digest from {table} group by all"]
    if table == CREDIT:
        shared += engine.rows("select channel_key, channel from journeys.channels order by 1")
        selects.append(_CONVERSIONS.format(week=week, digest=_DIGEST.format(_CONVERSION)))
    found: dict[Week, list[object]] = {}
    for select in selects:
        for outcome, monday, digest in engine.rows(select):
            found.setdefault(Week(outcome, monday), []).append(digest)
    return {
        week: hashlib.sha256("\n".join(map(str, [*shared, *found[week]])).encode()).hexdigest()
        for week in sorted(found)
    }


_CONVERSION = "user_id, outcome, conversion, conversion_id, converted_at"
_CONVERSIONS = """
select {week}, {digest} as digest
from journeys.conversions as conversions
inner join journeys.users as users on conversions.user_key = users.user_key
where path_length > 0
group by all
"""


def _rounded(columns: Iterable[str]) -> str:
    """Return the columns, with the credit by each model as it is published: to twelve decimals.

    Sums of floats may differ in their last digits from run to run. Whole numbers take half as long
    as `round`.
    """
    return ", ".join(
        quote_identifier(name)
        if name in TOUCH_COLUMNS
        else f"cast({quote_identifier(name)} * 1e12 as bigint)"
        for name in columns
    )


def _unchanged_parts(before: Path, digests: Mapping[Week, str]) -> dict[Week, ParquetPart]:
    """Return the parts of an earlier file that have the same rows and are as they were written."""
    try:
        whole = ParquetPart.whole(before)
        found = {}
        for outcome, monday, digest, *place, checksum in json.loads(
            whole.metadata.get(_PARTS, "[]")
        ):
            week = Week(outcome, monday)
            if digests.get(week) == digest:
                part = whole.part(*place)
                if part.checksum() == checksum:
                    found[week] = part
    except (OSError, ValueError, TypeError, LookupError):  # no file, or none that was written here
        return {}
    return found


# --- rows -----------------------------------------------------------------------------------------


def _sort_touches(engine: DuckDBEngine, weeks: Iterable[Week]) -> None:
    """Create the temporary table of the touches in some parts, in the order of the file."""
    mondays = sorted({week.monday for week in weeks})
    inside = "false"
    if mondays:
        chosen = ", ".join(f"date '{monday}'" for monday in mondays)
        # The first and the last day restrict the rows before they are joined.
        inside = (
            f"converted_at >= timestamp '{mondays[0]}'"
            f" and converted_at < timestamp '{mondays[-1]}' + interval 7 days"
            f" and {WEEK} in ({chosen})"
        )
    engine.run(
        f"create or replace temp table changed_touches as from {NAMED} where {inside}"
        f" order by outcome, {WEEK}, user_id, conversion, position"
    )


def _write_part(engine: DuckDBEngine, path: Path, week: Week | None) -> None:
    """Write the rows of one part; None for a file without rows."""
    rows = _SORTED
    if week is not None:
        rows = (
            f"(from {_SORTED} where outcome = {quote_literal(week.outcome)}"
            f" and {WEEK} = date '{week.monday}')"
        )
    engine.run(
        f"copy (\n{resolve_sql(SELECT).replace(NAMED, rows)}) to {quote_literal(str(path))}"
        " (format parquet, compression zstd)"
    )
