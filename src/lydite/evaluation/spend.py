"""Warnings about spend that does not fit the touchpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from lydite.engine import Engine

#: The most channels that a warning names.
_MOST_NAMED = 5

_OUTSIDE = """
select round(sum(cost), 2), min(date), max(date), min(first_day), min(last_day)
from journeys.spend as spend
cross join (
    select
        cast(local_time(min(touched_at)) as date) as first_day,
        cast(local_time(max(touched_at)) as date) as last_day
    from journeys.touches
) as period
where not in_period and cost > 0
"""
_RENAMED = """
select distinct booked_as, channel
from journeys.spend
where has_touches and booked_as <> channel
order by booked_as
"""
_WITHOUT_TOUCHES = """
select channel, round(sum(cost), 2) as cost
from journeys.spend
where not has_touches and in_period
group by channel
having sum(cost) > 0
order by cost desc, channel
"""
# Channels that never cost anything, such as organic search, are normal: they are only named where
# spend has no touches, because then one channel probably has two names.
_WITHOUT_COST = """
select channels.channel, count(*) as touches
from journeys.channels as channels
inner join journeys.counted_touches as touches on channels.channel_key = touches.channel_key
where channels.channel not in (select channel from journeys.spend)
group by channels.channel
having coalesce(sum(touches.cost), 0) = 0
order by touches desc, channels.channel
"""


def spend_warnings(engine: Engine) -> list[tuple[str, str]]:
    """Return kind and text of each warning about ``journeys.spend``.

    The kinds are ``spend_outside_period``, cost that is not counted because its day is before the
    first or after the last touch; ``spend_renamed``, channels that were matched although case or
    blanks differ; and ``spend_without_touches``, cost of channels that no touch has.
    """
    return [*_outside_period(engine), *_renamed(engine), *_without_touches(engine)]


def _outside_period(engine: Engine) -> Iterator[tuple[str, str]]:
    cost, first, last, first_touch, last_touch = engine.rows(_OUTSIDE)[0]
    if cost:
        text = (
            f"spend of {cost:,.2f} from {first} to {last} is not counted: the touchpoints are from"
            f" {first_touch} to {last_touch}"
        )
        yield "spend_outside_period", text


def _renamed(engine: Engine) -> Iterator[tuple[str, str]]:
    names = [f"{booked!r} as {channel!r}" for booked, channel in engine.rows(_RENAMED)]
    if names:
        text = "channels of the spend were matched with touchpoints although case or blanks differ"
        yield "spend_renamed", f"{text}: {_enumerate(names)}"


def _without_touches(engine: Engine) -> Iterator[tuple[str, str]]:
    found = [f"{channel!r} ({cost:,.2f})" for channel, cost in engine.rows(_WITHOUT_TOUCHES)]
    if not found:
        return
    text = f"no touchpoint has these channels of the spend: {_enumerate(found)}"
    unpaid = [repr(channel) for channel, _ in engine.rows(_WITHOUT_COST)]
    if unpaid:
        text += f"; these channels of the touchpoints have no cost: {_enumerate(unpaid)}"
    yield "spend_without_touches", text


def _enumerate(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    shown = [*names[:_MOST_NAMED], *([f"{more} more channels"] if more > 0 else [])]
    return ", ".join(shown)
