"""From the input tables to touches, path_events and paths: the data as every model sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from lydite.engine import Engine

LONGEST_PATH = 50


@dataclass(frozen=True)
class JourneySummary:
    """What was built: the outcomes found, the first touch, and up to when the data is complete."""

    outcomes: tuple[str, ...]
    first_at: datetime
    as_of: datetime
    touches: int
    duplicates: int


def build_touches(engine: Engine) -> JourneySummary:
    """Build what all outcomes share: users, channels and touches.

    Returns
    -------
    JourneySummary
        ``as_of`` is the latest instant that both touchpoints and conversions reach: after it, a
        missing conversion may only be one that has not been delivered yet.
    """
    engine.create("journeys.users", "journeys/users")
    engine.create("journeys.channels", "journeys/channels")
    engine.create("journeys.touches", "journeys/touches")
    engine.create("journeys.positions", "journeys/positions")
    return survey(engine)


def survey(engine: Engine) -> JourneySummary:
    """Read off the built touches what later steps must know of the data as a whole."""
    as_of = engine.scalar(
        "select least((select max(touched_at) from inputs.touchpoints),"
        " (select max(converted_at) from inputs.conversions))"
    )
    first_at = engine.scalar("select min(touched_at) from journeys.touches")
    touches = engine.scalar("select count(*) from journeys.touches")
    touchpoints = engine.scalar("select count(*) from inputs.touchpoints")
    return JourneySummary(find_outcomes(engine), first_at, as_of, touches, touchpoints - touches)


def find_outcomes(engine: Engine) -> tuple[str, ...]:
    """Return the outcomes that the conversions have, in the order of their names."""
    rows = engine.rows("select distinct outcome from inputs.conversions order by outcome")
    return tuple(name for (name,) in rows)


def build_path_events_and_conversions(engine: Engine, lookbacks: Mapping[str, timedelta]) -> None:
    """Build the path_events, and the conversions with their paths, of every outcome.

    Parameters
    ----------
    engine
        Holds the touches (`build_touches`).
    lookbacks
        The lookback of each outcome.
    """
    build_path_events(engine, lookbacks)
    engine.create("journeys.conversions", "journeys/conversions")
    create_path_touches_view(engine)


def build_path_events(engine: Engine, lookbacks: Mapping[str, timedelta]) -> None:
    """Build the path_events of every outcome."""
    engine.drop("journeys.path_events")
    for outcome, lookback in lookbacks.items():
        engine.append(
            "journeys.path_events",
            "journeys/path_events",
            {"outcome": outcome, "lookback_us": lookback // timedelta(microseconds=1)},
        )


def create_path_touches_view(engine: Engine) -> None:
    """Make the view that lays paths out touch by touch; on Spark a session has its own."""
    engine.create_view("journeys.path_touches", "journeys/path_touches")
