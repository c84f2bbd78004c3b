"""Landmarks of simulated tables, computed in plain Python from their definition."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lydite.simulation import World

LOOKBACK = timedelta(days=30)


@dataclass
class Landmark:
    """One touch, its path and what came next."""

    user: str
    channels: list[str]
    times: list[datetime]
    following: datetime | None  # the user's next event
    converted: bool


def landmarks(world: World) -> list[Landmark]:
    """Return a landmark for every touch."""
    events: dict[str, list[tuple[datetime, int, str]]] = defaultdict(list)
    for user, at, channel in world.touchpoints.select("user_id", "touched_at", "channel").rows():
        events[user].append((at, 0, channel))
    for user, at in world.conversions.select("user_id", "converted_at").rows():
        events[user].append((at, 1, ""))
    return [landmark for user in sorted(events) for landmark in _of_user(user, events[user])]


def _of_user(user: str, events: list[tuple[datetime, int, str]]) -> list[Landmark]:
    events.sort()
    found, path = [], []
    for place, (at, is_conversion, channel) in enumerate(events):
        if is_conversion:
            path = []
            continue
        path = [touch for touch in path if touch[0] > at - LOOKBACK] + [(at, channel)]
        following, kind, _ = events[place + 1] if place + 1 < len(events) else (None, 0, "")
        converted = following is not None and kind == 1 and following < at + LOOKBACK
        times, channels = zip(*path, strict=True)
        found.append(Landmark(user, list(channels), list(times), following, converted))
    return found
