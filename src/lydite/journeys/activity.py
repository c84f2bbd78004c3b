"""Touches by day and by week, counted again for the days on which touches have changed.

A warehouse keeps the counts between runs. A build of the journeys of changed users records the days
on which their touches differ from those before (`CHANGED_DAYS`). Counts that are as of the build
before follow it by counting these days, and the weeks that they are in; others are counted as a
whole.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from lydite.engine import DuckDBEngine, load_sql
from lydite.journeys.changes import last_build

if TYPE_CHECKING:
    from collections.abc import Collection

    from lydite.engine import Engine

#: The tables by the SQL file that computes them; each has the first day of a row's time in `date`.
ACTIVITY = {"journeys/activity": "journeys.activity", "journeys/reach": "journeys.reach"}
#: The days, in the time zone of the settings, whose touches the last build changed.
CHANGED_DAYS = "journeys.changed_days"
_AS_OF = "journeys.activity_as_of"
_WEEKLY = "journeys/reach"
_COLUMNS = "user_key, touched_at, channel_key, campaign, interaction, cost"
_DIFFERENT = """
select distinct cast(local_time(touched_at) as date) as date
from (
    select {columns}, sum(row) as rows
    from (
        select {columns}, 1 as row {before}
        union all
        select {columns}, -1 as row {after}
    )
    group by {columns}
)
where rows <> 0
"""
_FIRST, _LAST = date(1, 1, 1), date(9999, 12, 31)
#: No time zone is further from UTC.
_FURTHEST = timedelta(days=1)


def record_changed_days(engine: DuckDBEngine, before: str, after: str) -> None:
    """Write down the days whose touches a build changes, in the transaction that does so.

    Parameters
    ----------
    before, after
        The touches of the changed users, as the part of a statement from its ``from`` on.
    """
    engine.create(CHANGED_DAYS, _DIFFERENT.format(columns=_COLUMNS, before=before, after=after))


def build_activity(engine: Engine) -> None:
    """Build ``journeys.activity`` and ``journeys.reach``; count changed days only where possible.

    Parameters
    ----------
    engine
        Holds the touches.
    """
    build = last_build(engine)
    if build is None or not isinstance(engine, DuckDBEngine):
        for file, table in ACTIVITY.items():
            engine.create(table, file, _times([_FIRST, _LAST]))
        return
    definition = _definition(engine)
    as_of = _read_as_of(engine, definition)
    if as_of == build.build:
        return
    with engine.transaction():
        follows = as_of is not None and as_of == build.before
        days = {day for (day,) in engine.rows(f"from {CHANGED_DAYS}")} if follows else set()
        for file, table in ACTIVITY.items():
            if not follows:
                engine.create(table, file, _times([_FIRST, _LAST]))
            elif days:
                _count_again(engine, file, days)
        row = {"build": build.build, "definition": definition}
        engine.create(_AS_OF, "select $build::varchar as build, $definition::varchar", row)


def _count_again(engine: DuckDBEngine, file: str, days: Collection[date]) -> None:
    """Replace the rows of some days."""
    table, last = ACTIVITY[file], max(days)
    if file == _WEEKLY:
        days, last = {day - timedelta(day.weekday()) for day in days}, last + timedelta(6)
    listed = ", ".join(f"date '{day}'" for day in sorted(days))
    chosen = f"date in ({listed})"
    engine.run(f"delete from {table} where {chosen}")
    select = f"select * from (\n{load_sql(file)}\n) where {chosen}"
    engine.append(table, select, _times([min(days), last]))


def _times(days: list[date]) -> dict[str, object]:
    """Return the parameters for the touches from the first to the last day, whatever the zone."""
    first, last = (datetime(day.year, day.month, day.day) for day in days)  # noqa: DTZ001
    if days[0] > _FIRST:
        first, last = first - _FURTHEST, last + _FURTHEST + timedelta(1)
    return {"from_at": first, "until_at": last}


def _definition(engine: DuckDBEngine) -> str:
    """Return a digest of everything but touches that the counts depend on."""
    text = "\n".join([*map(load_sql, ACTIVITY), engine.timezone])
    return hashlib.sha256(text.encode()).hexdigest()


def _read_as_of(engine: DuckDBEngine, definition: str) -> str | None:
    """Return the build that the kept counts are as of; None where there are none of this kind."""
    if not all(map(engine.exists, (_AS_OF, *ACTIVITY.values()))):
        return None
    [(build, of_kept)] = engine.rows(f"from {_AS_OF}")
    return str(build) if of_kept == definition else None
