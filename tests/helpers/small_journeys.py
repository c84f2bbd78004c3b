"""Journeys of a few rows, and what is read of them in tests."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from lydite.durations import parse_duration
from lydite.journeys import build_path_events_and_conversions, build_touches
from lydite.settings import PathOptions
from tests.helpers.input_tables import make_inputs

if TYPE_CHECKING:
    from lydite.engine import DuckDBEngine
    from lydite.settings import AfterConversion

Row: TypeAlias = tuple[Any, ...]
Table: TypeAlias = list[dict[str, Any]]

MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


def day(number: float) -> datetime:
    """Return the time `number` days into the year."""
    return datetime(2026, 1, 1) + timedelta(days=number)


def build(
    engine: DuckDBEngine,
    touchpoints: list[Row],
    conversions: list[Row],
    lookback: str | timedelta = "30d",
    after_conversion: AfterConversion = "continue",
) -> None:
    """Build the journeys of all outcomes, each with the same lookback."""
    make_inputs(engine, touchpoints, conversions)
    outcomes = build_touches(engine).outcomes
    build_path_events_and_conversions(
        engine,
        dict.fromkeys(outcomes, parse_duration(lookback)),
        dict.fromkeys(outcomes, PathOptions(after_conversion=after_conversion)),
    )


def paths(engine: DuckDBEngine, which: str) -> list[str]:
    """Return the paths (``a > b``) of the path_events that `which` selects, in order of time."""
    rows = engine.rows(
        "select string_agg(path_touches.channel, ' > ' order by position)"
        " from journeys.path_events as events"
        " left join journeys.path_touches as path_touches"
        " on events.user_key = path_touches.user_key"
        " and events.outcome = path_touches.outcome"
        " and events.happened_at = path_touches.happened_at"
        " and events.touch is not distinct from path_touches.event_touch"
        f" where events.{which}"
        " group by events.outcome, events.user_key, events.happened_at, events.touch"
        " order by events.outcome, events.user_key, events.happened_at, events.touch"
    )
    return [path or "" for (path,) in rows]


def conversion_paths(engine: DuckDBEngine, outcome: str = "conversion") -> list[str]:
    return paths(engine, f"is_conversion and events.outcome = '{outcome}'")


def landmark_paths(engine: DuckDBEngine, outcome: str = "conversion") -> list[str]:
    return paths(engine, f"is_conversion is false and events.outcome = '{outcome}'")


def next_events(engine: DuckDBEngine, outcome: str = "conversion") -> list[str | None]:
    """Return, for each landmark in order, ``converts``, the next channel or None."""
    rows = engine.rows(
        "select case when converted then 'converts' else channel end"
        " from journeys.path_events left join journeys.channels"
        " on next_channel_key = channels.channel_key"
        " where not is_conversion and outcome = $outcome order by user_key, touch",
        {"outcome": outcome},
    )
    return [label for (label,) in rows]


def column(engine: DuckDBEngine, sql: str) -> list[Any]:
    return [value for (value,) in engine.rows(sql)]


def table(engine: DuckDBEngine, name: str) -> Table:
    return engine.frame(f"from journeys.{name}").to_dicts()


def in_order(rows: Table) -> list[list[tuple[str, Any]]]:
    """Return rows in one order, as sorted pairs of column and value."""
    return sorted((sorted(row.items()) for row in rows), key=repr)
