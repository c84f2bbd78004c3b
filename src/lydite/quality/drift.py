"""Drift: how the last week of the data differs from the four weeks before.

Dagster's checks compare it with the limits of the settings. Whole weeks are compared, so that days
of the week do not matter. The kinds:

- ``channel_volume``: relative change of the touches of a channel;
- ``channels``: new and vanished channels that have, or had, at least `LEAST` touches in a week;
- ``conversion_rate``: relative change of the conversions of an outcome per active user;
- ``unattributed``: change of the share of an outcome's conversions without any touch;
- ``nulls``: change of the share of nulls in an optional column of an input table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lydite.inputs import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lydite.engine import Engine
    from lydite.settings import DriftKind, DriftLimits

#: Fewer touches, conversions or rows in a week are not compared.
LEAST = 50
_WEEKS = 4
_WEEK_US = 7 * 86_400_000_000
#: The time of a row of each input table that has one.
_TIMES = {"touchpoints": "touched_at", "conversions": "converted_at"}
_ENDS = """
select epoch_us(min({time})), epoch_us(max({time})) from {table}
"""
_CHANNELS = """
select channels.channel, weeks.week, count(*)
from (
    select channel_key, {week} as week from journeys.touches where {recent}
) as weeks
inner join journeys.channels as channels on weeks.channel_key = channels.channel_key
where weeks.week between 0 and {weeks}
group by channels.channel, weeks.week
"""
_USERS = """
select week, count(distinct user_key)
from (
    select user_key, {week} as week from journeys.touches where {recent}
) as weeks
where week between 0 and {weeks}
group by week
"""
_CONVERSIONS = """
select outcome, week, count(*), sum(case when path_length = 0 then 1 else 0 end)
from (
    select outcome, path_length, {week} as week from journeys.conversions where {recent}
) as weeks
where week between 0 and {weeks}
group by outcome, week
"""
_NULLS = """
select week, count(*), {counts}
from (select *, {week} as week from inputs.{table} where {recent}) as weeks
where week between 0 and {weeks}
group by week
"""


@dataclass(frozen=True)
class Drift:
    """A difference between the last week and the weeks before.

    Attributes
    ----------
    kind
        The kind of drift.
    name
        What differs: a channel, an outcome, or a column.
    before, now
        The average of the weeks before, and the last week.
    change
        Relative for volumes and rates, absolute for shares, 1 for a channel.
    """

    kind: DriftKind
    name: str
    before: float
    now: float
    change: float

    @property
    def text(self) -> str:
        """The drift in words."""
        if self.kind == "channels":
            word = "new" if self.now else "vanished"
            return f"{self.name} is {word}: {self.now:.0f} touches after {self.before:.0f} a week"
        if self.kind == "channel_volume":
            return f"{self.name}: {self.now:.0f} touches after {self.before:.0f} a week"
        return f"{self.name}: {self.now:.2%} after {self.before:.2%}"


def find_drift(engine: Engine, kind: DriftKind) -> list[Drift]:
    """Return all differences of a kind, the largest change first.

    Parameters
    ----------
    engine
        Holds the input tables and the journeys. With less than five weeks, there are none.
    kind
        The kind of drift.
    """
    found = {
        "channel_volume": _volumes, "channels": _channels, "conversion_rate": _rates,
        "unattributed": _unattributed, "nulls": _nulls,
    }[kind](engine)  # fmt: skip
    return sorted(found, key=lambda drift: (-drift.change, drift.name))


def exceeded(drifts: list[Drift], limits: DriftLimits) -> tuple[list[Drift], bool]:
    """Return the drifts that are at least the limit of a warning, and whether one is an error."""
    above = [drift for drift in drifts if drift.change >= limits.warn]
    return above, limits.error is not None and any(d.change >= limits.error for d in above)


def _volumes(engine: Engine) -> Iterator[Drift]:
    for channel, (before, now) in _touches(engine).items():
        if before >= LEAST and now:
            yield Drift("channel_volume", channel, before, now, abs(now / before - 1))


def _channels(engine: Engine) -> Iterator[Drift]:
    for channel, (before, now) in _touches(engine).items():
        if (not before and now >= LEAST) or (not now and before >= LEAST):
            yield Drift("channels", channel, before, now, 1)


def _rates(engine: Engine) -> Iterator[Drift]:
    users = dict(_rows(engine, _USERS, "touched_at"))
    conversions = _by_name((outcome, week, n) for outcome, week, n, _ in _outcome_rows(engine))
    for outcome, counts in conversions.items():
        if all(users.get(week) for week in range(_WEEKS + 1)):
            rates = {week: counts.get(week, 0) / users[week] for week in users}
            before, now = _compare(rates)
            if before and sum(counts.values()) / (_WEEKS + 1) >= LEAST:
                yield Drift("conversion_rate", outcome, before, now, abs(now / before - 1))


def _unattributed(engine: Engine) -> Iterator[Drift]:
    rows = list(_outcome_rows(engine))
    all_of = _by_name((outcome, week, n) for outcome, week, n, _ in rows)
    without = _by_name((outcome, week, n) for outcome, week, _, n in rows)
    for outcome, counts in all_of.items():
        yield from _shares("unattributed", outcome, counts, without[outcome])


def _nulls(engine: Engine) -> Iterator[Drift]:
    for table, time in _TIMES.items():
        columns = [c.name for c in TABLES[table].columns if c.is_kept and not c.required]
        counts = ", ".join(f"sum(case when {name} is null then 1 else 0 end)" for name in columns)
        rows = _rows(engine, _NULLS, time, table=table, counts=counts)
        all_rows = {week: n for week, n, *_ in rows}
        for place, column in enumerate(columns):
            nulls = {week: counted[place] for week, _, *counted in rows}
            yield from _shares("nulls", f"{table}.{column}", all_rows, nulls)


def _shares(
    kind: DriftKind, name: str, all_of: dict[int, int], some: dict[int, int]
) -> Iterator[Drift]:
    weeks = range(_WEEKS + 1)
    if all(all_of.get(week, 0) >= LEAST for week in weeks):
        before, now = _compare({week: some.get(week, 0) / all_of[week] for week in weeks})
        yield Drift(kind, name, before, now, abs(now - before))


def _touches(engine: Engine) -> dict[str, tuple[float, float]]:
    found = _by_name(_rows(engine, _CHANNELS, "touched_at"))
    return {channel: _compare(weeks) for channel, weeks in found.items()}


def _outcome_rows(engine: Engine) -> list[tuple[Any, ...]]:
    return _rows(engine, _CONVERSIONS, "converted_at")


def _by_name(rows: Iterable[tuple[Any, ...]]) -> dict[str, dict[int, int]]:
    found: dict[str, dict[int, int]] = {}
    for name, week, n in rows:
        found.setdefault(name, {})[week] = int(n)
    return found


def _compare(weeks: dict[int, float] | dict[int, int]) -> tuple[float, float]:
    """Return the average of the weeks before, and the last week, which is number 0."""
    return sum(weeks.get(week, 0) for week in range(1, _WEEKS + 1)) / _WEEKS, weeks.get(0, 0)


def _rows(engine: Engine, sql: str, time: str, **names: str) -> list[tuple[Any, ...]]:
    """Return rows with the number of the week, 0 for the last one; none where weeks are lacking.

    The last week ends where touches or conversions end first.
    """
    tables = {"journeys.touches": "touched_at", "journeys.conversions": "converted_at"}
    ends = [engine.rows(_ENDS.format(table=table, time=at))[0] for table, at in tables.items()]
    if (None, None) in ends:
        return []
    first, last = max(start for start, _ in ends), min(end for _, end in ends)
    if last - first < (_WEEKS + 1) * _WEEK_US:
        return []
    week = f"cast(floor(({last} - epoch_us({time})) / {_WEEK_US}) as integer)"
    since = last - (_WEEKS + 1) * _WEEK_US
    recent = f"{time} > make_timestamp({since}) and {time} <= make_timestamp({last})"
    return engine.rows(sql.format(week=week, recent=recent, weeks=_WEEKS, **names))
