"""The warning about bot-like users (`lydite.inputs.rules`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lydite.engine import Engine

_FOUND = """
with found as (
    select touches.user_key, touches.channel_key
    from journeys.counted_touches as touches
    inner join journeys.bot_like_users as bots on touches.user_key = bots.user_key
),
by_channel as (
    select channel_key, count(*) as touches from found group by channel_key
)
select
    (select count(*) from journeys.bot_like_users) as users,
    (select count(distinct user_key) from journeys.counted_touches) as all_users,
    (select count(*) from journeys.counted_touches) as all_touches,
    sum(by_channel.touches) over () as touches,
    by_channel.touches as on_channel,
    channels.channel,
    (
        select count(*)
        from journeys.conversions as conversions
        inner join journeys.bot_like_users as bots on conversions.user_key = bots.user_key
    ) as conversions
from by_channel
inner join journeys.channels as channels on by_channel.channel_key = channels.channel_key
order by by_channel.touches desc, channels.channel
limit 1
"""


def bot_warnings(engine: Engine) -> list[tuple[str, str]]:
    """Return the warning ``bot_like_users`` as kind and text, if there are any."""
    if not engine.scalar("select count(*) from journeys.bot_like_users"):
        return []
    found = engine.rows(_FOUND)
    if not found:
        return []
    users, all_users, all_touches, touches, on_channel, channel, conversions = found[0]
    text = (
        f"{users:,} users ({users / all_users:.1%} of all) have so many touches that they are"
        f" probably no people: {touches:,} touches, {touches / all_touches:.0%} of all, and"
        f" {on_channel / touches:.0%} of these on {channel!r}. They are set aside from the"
        f" comparison of models; their {conversions:,} conversions are attributed like all others"
    )
    return [("bot_like_users", text)]
