"""Where each feed ends and where its rows are missing: touchpoints, and conversions by outcome.

"Now" of an outcome is the instant up to which its data is complete. Rows that are far from all
others must not move it: one wrong date would make weeks look mature whose conversions have not been
delivered yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import polars as pl

from lydite.quality.drops import find_drops
from lydite.quality.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from numpy.typing import NDArray

    from lydite.engine import DuckDBEngine, Engine
    from lydite.settings import Completeness, FindingKind

_DAY = timedelta(days=1)
#: A feed has resumed after a drop when rows have come for so long.
RESUMED = 7 * _DAY
#: Rows are stray only after a gap of at least so long ...
MIN_GAP = 28 * _DAY
#: ... and, where too few rows came before to expect any in the gap, up to this share of all rows.
MAX_STRAY_SHARE = 0.05

_TOUCHPOINTS = """
select cast(touched_at as date) as day, count(*), max(touched_at)
from inputs.touchpoints
group by cast(touched_at as date)
order by 1
"""
_CONVERSIONS = """
select outcome, cast(converted_at as date) as day, count(*), max(converted_at)
from inputs.conversions
group by outcome, cast(converted_at as date)
order by 1, 2
"""


class DatedDrop(NamedTuple):
    """A sudden drop, with its first day and the day after its last; see `Drop`."""

    start: date
    end: date
    rows: int
    expected: int


@dataclass(frozen=True)
class Feed:
    """The rows of one feed by day, in order of time; days without rows are left out.

    Attributes
    ----------
    table
        The input table.
    outcome
        The outcome of its conversions; None for touchpoints.
    days, rows, last_at
        The days, the number of rows on each of them, and the time of the last of these rows.
    """

    table: str
    outcome: str | None
    days: tuple[date, ...]
    rows: tuple[int, ...]
    last_at: tuple[datetime, ...]

    def __str__(self) -> str:
        """Return the name for messages."""
        return self.table if self.outcome is None else f"conversions of {self.outcome!r}"

    def daily(self, until: date) -> NDArray[np.int64]:
        """Return the number of rows on each day, from the first one to the day before `until`."""
        kept = self.until(until)
        counts = np.zeros(max((until - self.days[0]).days, 0), dtype=np.int64)
        counts[[(day - self.days[0]).days for day in kept.days]] = kept.rows
        return counts

    def drops(self, until: date) -> list[DatedDrop]:
        """Return the sudden drops before a day."""
        first = self.days[0]
        return [
            DatedDrop(first + drop.start * _DAY, first + drop.end * _DAY, drop.rows, drop.expected)
            for drop in find_drops(self.daily(until))
        ]

    def until(self, end: date) -> Feed:
        """Return the rows before a day."""
        kept = sum(day < end for day in self.days)
        return Feed(
            self.table, self.outcome, self.days[:kept], self.rows[:kept], self.last_at[:kept]
        )

    def without_stray_rows(self) -> Feed:
        """Return the feed up to the last row that belongs to the others.

        Rows after a gap of four weeks or more are stray if the gap is in a sudden drop that lasts
        until less than a week before the last row, or if it is longer than all data before it and
        few rows follow.
        """
        feed = self
        while (cut := feed._first_stray_day()) is not None:
            feed = feed.until(cut)
        return feed

    def _first_stray_day(self) -> date | None:
        end = self.days[-1] + _DAY
        drop = _lasting(self.drops(end), end)
        total, after = sum(self.rows), 0
        for i in range(len(self.days) - 1, 0, -1):
            after += self.rows[i]
            gap, history = self.days[i] - self.days[i - 1], self.days[i - 1] - self.days[0]
            in_drop = drop is not None and self.days[i] > drop
            few = after <= MAX_STRAY_SHARE * total and gap > history
            if gap >= MIN_GAP and (in_drop or few):
                return self.days[i]
        return None

    def end(self, drops: Sequence[DatedDrop], until: date) -> datetime:
        """Return the time of the last row before a sudden drop that lasts until a day."""
        cut = _lasting(drops, until)
        return (self if cut is None else self.until(cut)).last_at[-1]


def _lasting(drops: Sequence[DatedDrop], until: date) -> date | None:
    """Return the first day of the last drop if it lasts until a day, or nearly so."""
    if drops and until - drops[-1].end < RESUMED:
        return drops[-1].start
    return None


def read_feeds(engine: Engine) -> tuple[Feed, dict[str, Feed]]:
    """Return the feed of the touchpoints, and of the conversions by outcome."""
    by_outcome: dict[str, list[tuple[date, int, datetime]]] = {}
    for outcome, *row in engine.rows(_CONVERSIONS):
        by_outcome.setdefault(outcome, []).append((row[0], row[1], row[2]))
    return _make_feed("touchpoints", None, engine.rows(_TOUCHPOINTS)), {
        outcome: _make_feed("conversions", outcome, rows) for outcome, rows in by_outcome.items()
    }


def _make_feed(table: str, outcome: str | None, rows: Sequence[tuple[date, int, datetime]]) -> Feed:
    days, counts, last_at = zip(*rows, strict=True)
    return Feed(table, outcome, days, counts, last_at)


@dataclass(frozen=True)
class Extent:
    """Up to when the data of an outcome is complete, and where it has holes.

    Attributes
    ----------
    as_of
        The data is complete up to this instant, UTC. After it, a missing conversion may not have
        been delivered yet.
    holes
        First day of each hole, and the day after its last. There, rows are missing.
    """

    as_of: datetime
    holes: tuple[tuple[date, date], ...] = ()


def write_holes(engine: DuckDBEngine, extents: Mapping[str, Extent]) -> None:
    """Replace the table ``quality.holes``: outcome, start and end (exclusive) of each hole."""
    rows = [(outcome, *hole) for outcome, extent in extents.items() for hole in extent.holes]
    schema = {"outcome": pl.String, "start": pl.Date, "end": pl.Date}
    frame = pl.DataFrame(rows, schema=schema, orient="row")
    engine.store("quality.holes", frame.with_columns(pl.col(pl.Date).cast(pl.Datetime("us"))))


def read_holes(engine: DuckDBEngine, outcome: str) -> NDArray[np.datetime64]:
    """Return start and end of each hole of an outcome, (k, 2) datetime64[us]."""
    if not engine.exists("quality.holes"):
        return np.empty((0, 2), dtype="datetime64[us]")
    columns = engine.fetch_numpy(
        'select start, "end" from quality.holes where outcome = $outcome order by start',
        {"outcome": outcome},
    )
    return np.stack(list(columns.values()), axis=1).astype("datetime64[us]")


def measure_feeds(
    touchpoints: Feed,
    conversions: Mapping[str, Feed],
    declared: Mapping[str, Completeness],
    accepted: Collection[FindingKind] = (),
) -> tuple[dict[str, Extent], list[Finding]]:
    """Return the extent of each outcome, and findings about stray and missing rows.

    A declared instant is taken as it is. Otherwise an outcome is complete up to the earlier of the
    last touchpoint and its last conversion, apart from stray rows and rows in a sudden drop that
    lasts. A declared delivery delay is counted back from the last row of all feeds.

    Parameters
    ----------
    touchpoints, conversions
        The feeds.
    declared
        What was declared about each outcome to judge.
    accepted
        Kinds of findings for which the data is taken as it is.
    """
    feeds: dict[str | None, Feed] = {
        None: touchpoints,
        **{name: conversions[name] for name in declared},
    }
    kept = {name: feed.without_stray_rows() for name, feed in feeds.items()}
    findings = [
        _stray_finding(feed, kept[name])
        for name, feed in feeds.items()
        if len(kept[name].days) < len(feed.days)
    ]
    if "stray_rows" in accepted:
        kept = feeds
    last_row = max(feed.last_at[-1] for feed in kept.values())
    until: dict[str | None, datetime] = {
        name: given.as_of or last_row - (given.delivery_delay or timedelta())
        for name, given in declared.items()
    }
    until[None] = max(until.values())
    drops = {name: kept[name].drops(until[name].date()) for name in feeds}
    findings += [_drop_finding(feeds[name], drop) for name in feeds for drop in drops[name]]
    if "sudden_drop" in accepted:
        drops = {name: [] for name in drops}

    def extent(outcome: str) -> Extent:
        both = (None, outcome)
        ends = [kept[name].end(drops[name], until[name].date()) for name in both]
        as_of = declared[outcome].as_of or min(*ends, until[outcome])
        return Extent(as_of, tuple((d.start, d.end) for name in both for d in drops[name]))

    return {outcome: extent(outcome) for outcome in declared}, findings


def _stray_finding(feed: Feed, kept: Feed) -> Finding:
    n = sum(feed.rows) - sum(kept.rows)
    first, last, before = feed.days[len(kept.days)], feed.days[-1], kept.days[-1]
    return Finding(
        "stray_rows",
        feed.table,
        feed.outcome,
        f"{feed}: {n:,} row{'' if n == 1 else 's'} from {first} to {last} are far from the others,"
        f" which end on {before}",
        first,
        last,
    )


def _drop_finding(feed: Feed, drop: DatedDrop) -> Finding:
    last = drop.end - _DAY
    return Finding(
        "sudden_drop",
        feed.table,
        feed.outcome,
        f"{feed}: {drop.rows:,} rows from {drop.start} to {last}, where about {drop.expected:,} are"
        " usual",
        drop.start,
        last,
    )
