"""From the contract's tables to touches, moments and paths: the data as every model sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lydite.engine import Engine

LONGEST_PATH = 50
_LOOKBACK = re.compile(r"\s*(\d+(?:\.\d+)?)\s*(h|d|w|hours?|days?|weeks?)\s*")
_HOURS = {"h": 1, "d": 24, "w": 168}
_TOO_MANY_HOURS = 1e9  # what timedelta can still hold, and far out of range


def parse_lookback(text: str | timedelta) -> timedelta:
    """Read a lookback such as ``"30d"``, ``"12h"`` or ``"4w"``.

    Raises
    ------
    InputError
        When the text is no such length, or not above zero.
    """
    if isinstance(text, timedelta):
        lookback = text
    else:
        match = _LOOKBACK.fullmatch(str(text))
        if match is None:
            raise InputError(
                f"lookback {text!r} cannot be read: write a number and a unit, h, d or w,"
                " such as 12h, 30d or 4w"
            )
        hours = float(match[1]) * _HOURS[match[2][0]]
        lookback = timedelta(hours=min(hours, _TOO_MANY_HOURS))
    if not timedelta(hours=1) <= lookback <= timedelta(days=3650):
        raise InputError(f"lookback {text!r} is out of range: between 1h and 3650d, such as 30d")
    return lookback


def format_lookback(lookback: timedelta) -> str:
    """Write a lookback as briefly as it can be read back: ``"30d"``, ``"12h"``."""
    hours = lookback / timedelta(hours=1)
    return f"{hours / 24:g}d" if hours % 24 == 0 else f"{hours!r}h".replace(".0h", "h")


@dataclass(frozen=True)
class Journeys:
    """What was built: the outcomes found, the first touch, and up to when the data is complete."""

    outcomes: tuple[str, ...]
    first_at: datetime
    as_of: datetime
    touches: int
    duplicates: int


def build_touches(engine: Engine) -> Journeys:
    """Build what all outcomes share: users, channels and touches.

    Returns
    -------
    Journeys
        ``as_of`` is the latest instant that both touchpoints and conversions reach: after it, a
        missing conversion may only be one that has not been delivered yet.
    """
    engine.create("journeys.users", "journeys/users")
    engine.create("journeys.channels", "journeys/channels")
    engine.create("journeys.touches", "journeys/touches")
    engine.create("journeys.positions", "journeys/positions")
    return survey(engine)


def survey(engine: Engine) -> Journeys:
    """Read off the built touches what later steps must know of the data as a whole."""
    as_of = engine.scalar(
        "select least((select max(touched_at) from contract.touchpoints),"
        " (select max(converted_at) from contract.conversions))"
    )
    first_at = engine.scalar("select min(touched_at) from journeys.touches")
    touches = engine.scalar("select count(*) from journeys.touches")
    touchpoints = engine.scalar("select count(*) from contract.touchpoints")
    return Journeys(find_outcomes(engine), first_at, as_of, touches, touchpoints - touches)


def find_outcomes(engine: Engine) -> tuple[str, ...]:
    """Return the outcomes that the conversions have, in the order of their names."""
    rows = engine.rows("select distinct outcome from contract.conversions order by outcome")
    return tuple(name for (name,) in rows)


def build_moments(engine: Engine, lookbacks: Mapping[str, timedelta]) -> None:
    """Build the moments, and the conversions with their paths, of every outcome.

    Parameters
    ----------
    engine
        Holds the touches (`build_touches`).
    lookbacks
        The lookback of each outcome.
    """
    lay_out_moments(engine, lookbacks)
    engine.create("journeys.conversions", "journeys/conversions")
    lay_out_paths(engine)


def lay_out_moments(engine: Engine, lookbacks: Mapping[str, timedelta]) -> None:
    """Build the moments of every outcome."""
    engine.drop("journeys.moments")
    for outcome, lookback in lookbacks.items():
        engine.append(
            "journeys.moments",
            "journeys/moments",
            {"outcome": outcome, "lookback_us": lookback // timedelta(microseconds=1)},
        )


def lay_out_paths(engine: Engine) -> None:
    """Make the view that lays paths out touch by touch; on Spark a session has its own."""
    engine.view("journeys.path_touches", "journeys/path_touches")
