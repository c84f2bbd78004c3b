"""Finds touchpoints whose times are hours off those of the conversions, such as local times.

Many conversions come within minutes after a touch. So the number of conversions jumps up at a lag
of zero. Where one table has local times and the other UTC, the jump is at another lag.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import polars as pl

from lydite.quality.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine, Engine
    from lydite.inputs import Zone

# Lags are counted in quarters of an hour, up to fifteen hours: zones are from 12 hours behind UTC
# to 14 hours ahead of it. A visit that follows a conversion at once makes a jump less than
# an hour before it.
_LONGEST, _LEAST, _MOST = 60, 4, 56
#: A jump: so many conversions in a quarter of an hour, and so many times as many as half an hour
#: earlier; and by how many standard deviations.
MIN_CONVERSIONS, MIN_RATIO, MIN_DEVIATIONS = 30, 3, 5
#: At a lag of zero, a smaller jump shows that nothing is shifted.
MIN_DEVIATIONS_AT_ZERO = 3
#: Where more conversions than this share are in one hour of the day, they come from a batch. Where
#: more have the same delay to the second, the delay is made, by a job or by hand.
MAX_SHARE_OF_HOUR = MAX_SHARE_OF_DELAY = 0.5
#: After a jump the number falls: an hour later it is at most this share. A mere least delay leaves
#: a step without a fall.
MAX_SHARE_AFTER = 0.5
_CONVERSIONS = 100_000  # a sample of users is large enough
_BUCKETS = 256  # of users

_PAIRS = """
with delays as (
    select
        conversions.conversion_key,
        cast(floor(epoch_us(conversions.converted_at) / 3.6e9) as bigint) % 24 as hour,
        epoch_us(conversions.converted_at) - epoch_us(touches.touched_at) as delay_us
    from journeys.conversions as conversions
    inner join journeys.touches as touches on conversions.user_key = touches.user_key
    where conversions.bucket < $buckets and touches.bucket < $buckets
),

pairs as (
    select
        conversion_key,
        hour,
        cast(floor(delay_us / 9e8) as integer) as lag,
        cast(floor(delay_us / 1e6) as bigint) as seconds
    from delays
    where delay_us >= -54000000000 and delay_us < 54900000000
)
"""
_LAGS = f"""
{_PAIRS}
select lag, hour, count(distinct conversion_key) as conversions from pairs group by lag, hour
"""
_EQUAL = f"""
{_PAIRS}
select lag, max(conversions) as conversions
from (
    select lag, seconds, count(distinct conversion_key) as conversions
    from pairs
    group by lag, seconds
) as by_delay
group by lag
"""


class Lags(NamedTuple):
    """Conversions by lag since a touch of the user, in quarters of an hour from -15 hours on.

    A conversion counts once for each lag at which its user has a touch.

    Attributes
    ----------
    conversions : (121, 24) integers
        By lag and by hour of the day of the conversion.
    equal : (121,) integers
        The largest number of conversions at each lag that have the same delay to the second.
    """

    conversions: NDArray[np.int64]
    equal: NDArray[np.int64]


class Shift(NamedTuple):
    """A jump in the number of conversions at another lag than zero.

    Attributes
    ----------
    hours
        By how much the times of the touchpoints are ahead of those of the conversions.
    conversions, at_zero
        Conversions within a quarter of an hour after a touch if they are shifted back by as much,
        and as they are.
    """

    hours: float
    conversions: int
    at_zero: int


def count_lags(engine: Engine) -> Lags:
    """Count conversions by lag since a touch of the user; of many users, in a sample."""
    total = engine.scalar("select count(*) from journeys.conversions")
    buckets = min(_BUCKETS, max(1, _BUCKETS * _CONVERSIONS // max(total, 1)))
    counts = np.zeros((2 * _LONGEST + 1, 24), dtype=np.int64)
    equal = np.zeros(2 * _LONGEST + 1, dtype=np.int64)
    for lag, hour, n in engine.rows(_LAGS, {"buckets": buckets}):
        counts[lag + _LONGEST, hour] = n
    for lag, n in engine.rows(_EQUAL, {"buckets": buckets}):
        equal[lag + _LONGEST] = n
    return Lags(counts, equal)


def find_shift(lags: Lags) -> Shift | None:
    """Return by how much the touchpoints are shifted, None if there is no sign of a shift."""
    by_lag = lags.conversions.sum(axis=1)
    deviations = _jumps(by_lag)
    if deviations[_LONGEST] >= MIN_DEVIATIONS_AT_ZERO:
        return None
    quarters = np.arange(-_LONGEST, _LONGEST + 1)
    before = np.concatenate([[0, 0], by_lag[:-2]])
    # The jump may be in the middle of a quarter of an hour: the next one has the most then.
    most = np.maximum(by_lag, np.concatenate([by_lag[1:], [0]]))
    after = np.concatenate([by_lag[5:], np.zeros(5, dtype=np.int64)])
    candidates = (np.abs(quarters) >= _LEAST) & (np.abs(quarters) <= _MOST)
    candidates &= (by_lag >= MIN_CONVERSIONS) & (by_lag >= MIN_RATIO * before)
    candidates &= after <= MAX_SHARE_AFTER * most
    candidates &= lags.conversions.max(axis=1) <= MAX_SHARE_OF_HOUR * by_lag
    candidates &= lags.equal <= MAX_SHARE_OF_DELAY * by_lag
    best = int(np.argmax(np.where(candidates, deviations, -np.inf)))
    if not candidates[best] or deviations[best] < MIN_DEVIATIONS:
        return None
    return Shift(-int(quarters[best]) / 4, int(by_lag[best]), int(by_lag[_LONGEST]))


def is_aligned(lags: Lags) -> bool:
    """Return whether a jump at a lag of zero shows that nothing is shifted."""
    return bool(_jumps(lags.conversions.sum(axis=1))[_LONGEST] >= MIN_DEVIATIONS_AT_ZERO)


def _jumps(by_lag: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the jump at each lag since half an hour earlier, in standard deviations."""
    before = np.concatenate([[0, 0], by_lag[:-2]])
    jumps: NDArray[np.float64] = (by_lag - before) / np.sqrt(np.maximum(by_lag + before, 1))
    return jumps


def time_findings(engine: Engine, zones: Mapping[str, Zone]) -> list[Finding]:
    """Return a finding if the times of touchpoints and conversions do not fit together.

    Parameters
    ----------
    engine
        Holds touches and conversions.
    zones
        What the times of a table say about their zone; only tables where that is known.
    """
    names = [f"touchpoints.touched_at{_in_words(zones, 'touchpoints')}"]
    names.append(f"conversions.converted_at{_in_words(zones, 'conversions')}")
    lags = count_lags(engine)
    shift = find_shift(lags)
    if shift is not None:
        return [Finding("shifted_times", "touchpoints", None, _describe(shift, names))]
    only_one = "none" in zones.values() and len(set(zones.values())) == 2
    if only_one and not is_aligned(lags):
        text = f"{names[0]} and {names[1]}: one of them may be local time"
        return [Finding("mixed_zones", "touchpoints", None, text)]
    return []


def write_zones(engine: DuckDBEngine, tables: Sequence[str], zones: Mapping[str, Zone]) -> None:
    """Store what the times of some tables say about their zone; the other tables stay.

    Only touchpoints and conversions are stored, which are compared.
    """
    kept = {table: zone for table, zone in read_zones(engine).items() if table not in tables}
    rows = [item for item in {**kept, **zones}.items() if item[0] in _COMPARED]
    schema: dict[str, Any] = {"table_name": pl.String, "zone": pl.String}
    engine.store("quality.zones", pl.DataFrame(rows, schema=schema, orient="row"))


def read_zones(engine: DuckDBEngine) -> dict[str, Zone]:
    """Return what the times of a table say about their zone, where that is known."""
    return dict(engine.rows("from quality.zones")) if engine.exists("quality.zones") else {}


_COMPARED = ("touchpoints", "conversions")
_ZONES = {
    "given": "with a zone",
    "none": "without a zone, read as UTC",
    "epoch": "numbers, which are UTC",
}


def _in_words(zones: Mapping[str, Zone], table: str) -> str:
    return f" ({_ZONES[zones[table]]})" if table in zones else ""


def _describe(shift: Shift, names: Sequence[str]) -> str:
    ahead = "ahead of" if shift.hours > 0 else "behind"
    hours = abs(shift.hours)
    # Zones are whole hours apart, or half hours; conversions that are slow look like quarters.
    hours = hours if hours % 1 == 0.5 else round(hours)
    return (
        f"{names[0]} is about {hours:g} hours {ahead} {names[1]}: {shift.conversions:,}"
        f" conversions come within 15 minutes after a touch if it is shifted by as much, and"
        f" {shift.at_zero:,} as it is"
    )
