"""A plain Python reference of the journeys, against which the SQL is tested."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

Row = tuple[Any, ...]
Table = list[dict[str, Any]]

MICROSECOND = timedelta(microseconds=1)


class Touch(NamedTuple):
    number: int
    at: datetime
    channel: int
    campaign: str | None
    interaction: str | None
    cost: float | None


class ReferenceJourneys:
    """Journeys by their definitions, touch by touch: slow, and independent of the SQL."""

    def __init__(
        self,
        touchpoints: list[Row],
        conversions: list[Row],
        lookbacks: dict[str, timedelta],
        restarts: Collection[str] = (),
        first_only: Collection[str] = (),
    ) -> None:
        self.first_only = first_only  # outcomes of which a user's first conversion counts
        self.restarts = restarts  # outcomes whose paths start after the previous conversion
        self.touchpoints = list(dict.fromkeys(touchpoints))
        self.all_conversions = conversions
        self.channels = self.numbered_channels()
        self.users = self.numbered_users()
        self.touches = {user: self.touches_of(user) for user in self.users}
        self.path_events: Table = []
        self.conversions: Table = []
        self.path_touches: Table = []
        for outcome, lookback in lookbacks.items():
            for user in self.users:
                self.add_user(outcome, lookback, user)
        self.number_conversions(lookbacks)

    def numbered_channels(self) -> list[str]:
        def order(name: str) -> tuple[Any, ...]:
            own = [row for row in self.touchpoints if row[2] == name]
            when, who = [row[1] for row in own], [str(row[0]) for row in own]
            ids = [row[-1] for row in own if row[-1] is not None]
            named = (not ids, min(ids, default=""))
            return (min(when), -len(own), max(when), min(who), max(who), *named, name)

        return sorted({row[2] for row in self.touchpoints}, key=order)

    def numbered_users(self) -> list[str]:
        names = {row[0] for row in self.touchpoints} | {row[0] for row in self.all_conversions}
        return sorted(names, key=key_of)

    def touches_of(self, user: str) -> list[Touch]:
        rows = [
            (at, touchpoint_id, campaign, interaction, cost, self.channels.index(channel))
            for who, at, channel, campaign, interaction, cost, touchpoint_id in self.touchpoints
            if who == user
        ]
        ids = [row[1] for row in rows if row[1] is not None]
        numbers = all(name.isascii() and name.isdigit() for name in ids)

        def order(row: tuple[Any, ...]) -> list[tuple[bool, Any]]:
            at, name, *others = row
            values = [at, int(name) if numbers and name is not None else name, name, *others]
            return [(value is None, value) for value in values]

        rows.sort(key=order)
        return [
            Touch(number, at, channel, campaign, interaction, cost)
            for number, (at, _, campaign, interaction, cost, channel) in enumerate(rows, 1)
        ]

    def is_direct(self, channel: int) -> bool:
        return self.channels[channel].lower() in {"direct", "(direct)", "(none)"}

    def add_user(self, outcome: str, lookback: timedelta, user: str) -> None:
        instants = {c[1] for c in self.all_conversions if c[0] == user and c[2] == outcome}
        owner = {"outcome": outcome, "user_key": key_of(user)}
        owner["bucket"] = bucket_of(user)
        for touch in self.touches[user]:
            self.add_event(owner, instants, lookback, user, touch.at, touch)
        for at in instants:
            self.add_event(owner, instants, lookback, user, at, None)

    def add_event(
        self,
        owner: dict[str, Any],
        instants: set[datetime],
        lookback: timedelta,
        user: str,
        at: datetime,
        touch: Touch | None,
    ) -> None:
        if owner["outcome"] in self.first_only and any(instant < at for instant in instants):
            return
        path = []
        for other in self.touches[user]:
            so_far = other.at <= at if touch is None else other.number <= touch.number
            recent = other.at > at - lookback
            reset = owner["outcome"] in self.restarts and any(
                other.at <= instant < at for instant in instants
            )
            if so_far and recent and not reset:
                path.append(other)
        next_at, next_channel = self.next_event(instants, user, at, touch)
        within_lookback = next_at is not None and next_at - at < lookback
        converts = within_lookback and next_channel is None
        event = {**owner, "happened_at": at, "is_conversion": touch is None}
        counted = path if len(path) <= 50 else [path[0], *path[-49:]]
        self.path_events.append(
            {
                **event,
                "touch": touch and touch.number,
                "channel_key": None if touch is None else touch.channel,
                "first_touch": path[0].number if path else None,
                "last_touch": path[-1].number if path else None,
                "last_non_direct_touch": max(
                    (t.number for t in counted if not self.is_direct(t.channel)), default=None
                ),
                "path_length": len(counted),
                "first_touched_at": path[0].at if path else None,
                "last_touched_at": path[-1].at if path else None,
                "hours_since_previous": hours(path[-2].at, at) if touch and path[1:] else None,
                "hours_since_first": hours(path[0].at, at) if path else None,
                "converted": converts,
                "hours_to_next": touch and hours(at, next_at if within_lookback else at + lookback),
                "next_channel_key": next_channel if within_lookback else None,
                "has_converted": any(instant < at for instant in instants),
            }
        )
        self.add_path(event, counted, touch)

    def next_event(
        self, instants: set[datetime], user: str, at: datetime, touch: Touch | None
    ) -> tuple[datetime | None, int | None]:
        """Return the time of the next event, and its channel if it is a touch."""
        if touch is None:
            touches = [other for other in self.touches[user] if other.at > at]
            conversions = sorted(instant for instant in instants if instant > at)
        else:
            touches = [other for other in self.touches[user] if other.number > touch.number]
            conversions = sorted(instant for instant in instants if instant >= at)
        if touches and (not conversions or touches[0].at <= conversions[0]):
            return touches[0].at, touches[0].channel
        return (conversions[0] if conversions else None), None

    def add_path(self, event: dict[str, Any], counted: list[Touch], touch: Touch | None) -> None:
        others = [n for n, t in enumerate(counted, 1) if not self.is_direct(t.channel)]
        for position, each in enumerate(counted, 1):
            self.path_touches.append(
                {
                    **event,
                    "event_touch": touch and touch.number,
                    "touch": each.number,
                    "touched_at": each.at,
                    "channel_key": each.channel,
                    "channel": self.channels[each.channel],
                    "campaign": each.campaign,
                    "interaction": each.interaction,
                    "position": position,
                    "path_length": len(counted),
                    "position_from_end": len(counted) - position + 1,
                    "last_non_direct_position": others[-1] if others else None,
                    "hours_before_end": hours(each.at, counted[-1].at),
                    "hours_after_start": hours(counted[0].at, each.at),
                }
            )

    def number_conversions(self, lookbacks: dict[str, timedelta]) -> None:
        def order(row: Row) -> list[Any]:
            user, at, outcome, value, conversion_id = row
            ids = [(part is None, part) for part in (conversion_id, value)]
            return [outcome, key_of(user), at, *ids]

        kept = [row for row in self.all_conversions if row[2] in lookbacks]
        before: Counter[tuple[str, str]] = Counter()
        for number, row in enumerate(sorted(kept, key=order), 1):
            user, at, outcome, value, conversion_id = row
            event = {
                "outcome": outcome,
                "user_key": key_of(user),
                "bucket": bucket_of(user),
            }
            lengths = [
                m["path_length"]
                for m in self.path_events
                if m["is_conversion"] and m["happened_at"] == at and event.items() <= m.items()
            ]
            if not lengths:
                continue
            before[outcome, user] += 1
            self.conversions.append(
                {
                    "conversion_key": number,
                    **event,
                    "conversion": before[outcome, user],
                    "converted_at": at,
                    "value": value,
                    "conversion_id": conversion_id,
                    "path_length": lengths[0],
                }
            )


def key_of(user: str) -> int:
    return 8 * int(hashlib.md5(user.encode()).hexdigest()[:15], 16)


def bucket_of(user: str) -> int:
    return hashlib.md5(user.encode()).digest()[0]


def hours(start: datetime, end: datetime) -> float:
    return ((end - start) // MICROSECOND) / 3.6e9
