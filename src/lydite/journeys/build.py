"""Builds touches, path events and conversions from the input tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import polars as pl

from lydite.engine import load_sql
from lydite.errors import InputError
from lydite.journeys.bots import find_bot_like_users
from lydite.journeys.channel_choice import write_outcome_channels
from lydite.journeys.clusters import build_clusters
from lydite.journeys.direct import sql_parameters
from lydite.journeys.interactions import TABLE as INTERACTIONS
from lydite.journeys.interactions import write_interactions
from lydite.journeys.people import (
    build_people,
    count_history,
    create_counted_touches_view,
    create_views,
    join_path_events,
)
from lydite.settings import PathOptions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from lydite.engine import Engine
    from lydite.settings import PeopleSettings

#: The paths of journeys that have ended, as texts.
ENDED_PATHS = "journeys.ended_paths"
#: The most touches on a path; of more, the first and the most recent ones count.
LONGEST_PATH = 50


@dataclass(frozen=True)
class JourneySummary:
    """Totals of the journeys.

    Attributes
    ----------
    outcomes
        Names of the outcomes, sorted.
    first_at
        Time of the first touch, UTC.
    touches
        Number of touches.
    duplicates
        Number of touchpoints that were dropped as exact duplicates.
    """

    outcomes: tuple[str, ...]
    first_at: datetime
    touches: int
    duplicates: int


def build_touches(
    engine: Engine,
    *,
    cluster: str | None = None,
    keep_duplicates: bool = False,
    direct: Sequence[str] = (),
    people: PeopleSettings | None = None,
    lookback: timedelta = timedelta(),
) -> JourneySummary:
    """Build the tables that all outcomes share: users, channels, touches, positions, spend.

    Bot-like users are listed too (`lydite.journeys.bots`).

    Parameters
    ----------
    engine
        Holds the input tables.
    cluster
        The column of `users` whose values are clusters (`build_clusters`).
    keep_duplicates
        Whether equal touchpoints without an id are kept; otherwise they are counted once.
    direct
        More names of direct traffic.
    people
        Which rows belong to one person (`build_people`).
    lookback
        The longest lookback of any outcome.

    Raises
    ------
    InputError
        When there is no such column.
    """
    build_people(engine, people, lookback)
    build_clusters(engine, cluster)
    engine.create("journeys.users", "journeys/users")
    engine.create("journeys.channels", "journeys/channels", sql_parameters(direct))
    engine.create("journeys.touches", "journeys/touches", {"keep_duplicates": keep_duplicates})
    engine.create("journeys.positions", "journeys/positions")
    count_history(engine)
    create_counted_touches_view(engine)
    build_spend(engine)
    find_bot_like_users(engine)
    return summarise(engine)


def direct_channels(engine: Engine) -> set[str]:
    """Return the names of the channels that are direct traffic."""
    return {name for (name,) in engine.rows(_DIRECT)}


_DIRECT = "select channel from journeys.channels where is_direct"


def build_spend(engine: Engine) -> None:
    """Build ``journeys.spend``: spend by the channels of the touchpoints."""
    engine.create("journeys.spend", "journeys/spend")


def summarise(engine: Engine) -> JourneySummary:
    """Return the totals of the journeys that were built."""
    first_at = engine.scalar("select min(touched_at) from journeys.touches")
    touches = engine.scalar("select count(*) from journeys.counted_touches")
    touchpoints = engine.scalar("select count(*) from inputs.touchpoints")
    return JourneySummary(find_outcomes(engine), first_at, touches, touchpoints - touches)


def find_outcomes(engine: Engine) -> tuple[str, ...]:
    """Return the names of the outcomes among the conversions, sorted."""
    rows = engine.rows("select distinct outcome from inputs.conversions order by outcome")
    return tuple(name for (name,) in rows)


def build_path_events_and_conversions(
    engine: Engine,
    lookbacks: Mapping[str, timedelta],
    options: Mapping[str, PathOptions] | None = None,
) -> None:
    """Build the path events and the conversions of every outcome.

    Parameters
    ----------
    engine
        Holds the touches (`build_touches`).
    lookbacks
        The lookback of each outcome.
    options
        What is on the paths of an outcome; the defaults for outcomes without options.
    """
    build_path_events(engine, lookbacks, options)
    build_milestones(engine, options or {})
    join_path_events(engine)
    engine.create("journeys.conversions", "journeys/conversions")
    create_path_touches_view(engine)
    engine.drop(ENDED_PATHS)


def build_path_events(
    engine: Engine,
    lookbacks: Mapping[str, timedelta],
    options: Mapping[str, PathOptions] | None = None,
) -> None:
    """Build ``journeys.path_events``: every touch and conversion with its path, by outcome.

    Where an outcome has lookbacks by kind of contact, touches between the first and the last one of
    a path may not be on it: ``journeys.path_members`` lists those that are.
    """
    for table in ("journeys.path_events", "journeys.path_members", INTERACTIONS):
        engine.drop(table)
    write_interactions(engine, options or {})
    write_outcome_channels(engine, options or {})
    for outcome, lookback in lookbacks.items():
        chosen = (options or {}).get(outcome, PathOptions())
        parameters = {
            "outcome": outcome,
            "lookback_us": lookback // timedelta(microseconds=1),
            "restarts": chosen.after_conversion == "restart",
            "first_only": chosen.first_only,
        }
        if chosen.by_interaction is None:
            engine.append("journeys.path_events", "journeys/path_events", parameters)
            continue
        engine.create("journeys.class_ranges", "journeys/class_ranges", parameters)
        engine.append("journeys.path_members", "journeys/path_members", parameters)
        engine.append("journeys.path_events", "journeys/path_events_by_interaction", parameters)
        engine.drop("journeys.class_ranges")


def build_milestones(engine: Engine, options: Mapping[str, PathOptions]) -> None:
    """Build ``journeys.milestones``: the touches before the milestones of each outcome.

    Parameters
    ----------
    engine
        Holds the touches.
    options
        The milestone of an outcome is a conversion of another outcome.

    Raises
    ------
    InputError
        When there is no such outcome, or it is the outcome itself.
    """
    outcomes = find_outcomes(engine)
    engine.store(
        "journeys.milestones",
        pl.DataFrame(
            schema={"outcome": pl.String, "user_key": pl.Int64, "touch": pl.Int32,
                    "reached_at": pl.Datetime("us")}
        ),
    )  # fmt: skip
    for outcome, chosen in options.items():
        milestone = chosen.milestone
        if milestone is None:
            continue
        others = [name for name in outcomes if name != outcome]
        if milestone not in others:
            raise InputError(
                f"outcomes.{outcome}.milestone = {milestone!r}: there is no such other outcome in"
                f" the conversions; they hold: {', '.join(others)}"
            )
        parameters = {"outcome": outcome, "milestone": milestone}
        engine.append("journeys.milestones", "journeys/milestones", parameters)


def create_path_touches_view(engine: Engine) -> None:
    """Create the view of all paths with a row per touch; on Spark it belongs to the session.

    The views of persons and of the touches that count are created too.
    """
    create_views(engine)
    create_counted_touches_view(engine)
    _create_path_view(engine)


def select_path_touches(engine: Engine, users: str | None = None) -> str:
    """Return the statement that lists all paths with a row per touch, or those of some users.

    Parameters
    ----------
    engine
        Holds the view of all paths.
    users
        A table with the ``user_key`` of the users; None for all users.
    """
    if users is None:
        return "select * from journeys.path_touches"
    chosen = f"where user_key in (select user_key from {users})"
    if engine.exists(INTERACTIONS):
        return f"select * from journeys.path_touches {chosen}"
    # A condition on the view would be applied after all touches are joined.
    select = load_sql("journeys/path_touches")
    for table in ("journeys.path_events", "journeys.touches"):
        select = select.replace(f" {table} as", f" (select * from {table} {chosen}) as")
    return select


def build_ended_paths(engine: Engine) -> None:
    """Build ``journeys.ended_paths`` from the touches and path events.

    Only marts read it. Once it is built, it is kept up to date with the changed users.
    """
    _create_path_view(engine)
    engine.create(ENDED_PATHS, "journeys/ended_paths")


def _create_path_view(engine: Engine) -> None:
    if not engine.exists(INTERACTIONS):
        engine.create_view("journeys.path_touches", "journeys/path_touches")
        return
    engine.create_view("journeys.contiguous_path_touches", "journeys/path_touches")
    engine.create_view("journeys.path_touches", "journeys/path_touches_by_interaction")
