"""Warnings about users who belong together but are resampled one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lydite.journeys.clusters import MIN_CLUSTERS, cluster_column, unused_cluster_column
from lydite.journeys.people import people_mode

if TYPE_CHECKING:
    from lydite.engine import Engine

#: Only the latest touches are searched, whole hours of them.
MOST_TOUCHES = 1_000_000
#: More users at one instant are no sign: such as the recipients of one mailing.
MOST_USERS = 10
#: Two users belong together if they share so many touches, on so many channels, and this share of
#: the touches of the less active one. Coincidences are rarer.
MIN_SHARED, MIN_CHANNELS, MIN_SHARED_PART = 3, 2, 0.25
#: A warning is given above this share of the users with `MIN_SHARED` touches or more.
MIN_SHARE = 0.05
#: Times are too coarse to compare if more than this share of them are whole hours.
MAX_WHOLE_HOURS = 0.5

_HOUR_US = 3_600_000_000
_LAST_HOUR = 1_000_000_000
_HOURS = f"""
select
    epoch_us(touched_at) // {_HOUR_US} as hour,
    count(*) as touches,
    count(*) filter (where epoch_us(touched_at) % {_HOUR_US} = 0) as on_the_hour
from journeys.counted_touches
group by epoch_us(touched_at) // {_HOUR_US}
order by hour desc
"""
_SHARING = f"""
with recent as (
    select distinct user_key, touched_at, channel_key, coalesce(campaign, '') as campaign
    from journeys.counted_touches
    where touched_at >= make_timestamp($since_us)
),
instants as (
    select touched_at, channel_key, campaign
    from recent
    group by touched_at, channel_key, campaign
    having count(*) between 2 and {MOST_USERS}
),
shared as (
    select recent.user_key, recent.touched_at, recent.channel_key, recent.campaign
    from recent
    inner join instants
        on recent.touched_at = instants.touched_at
        and recent.channel_key = instants.channel_key
        and recent.campaign = instants.campaign
),
pairs as (
    select one.user_key as one, other.user_key as other, count(*) as touches
    from shared as one
    inner join shared as other
        on one.touched_at = other.touched_at
        and one.channel_key = other.channel_key
        and one.campaign = other.campaign
        and one.user_key < other.user_key
    group by one.user_key, other.user_key
    having count(*) >= {MIN_SHARED} and count(distinct one.channel_key) >= {MIN_CHANNELS}
),
active as (
    select user_key, count(*) as touches
    from recent
    group by user_key
    having count(*) >= {MIN_SHARED}
),
together as (
    select pairs.one, pairs.other
    from pairs
    inner join active as one on pairs.one = one.user_key
    inner join active as other on pairs.other = other.user_key
    where pairs.touches >= {MIN_SHARED_PART} * least(one.touches, other.touches)
)
select
    (select count(*) from active) as active,
    (
        select count(*)
        from (select one as user_key from together union select other from together)
    ) as sharing
"""


def cluster_warnings(engine: Engine) -> list[tuple[str, str]]:
    """Return kind and text of each warning about clusters of users.

    The kinds are ``shared_touches``, users who repeatedly have touches at the same instant, of the
    same channel and campaign, while no clusters are known; and ``unused_cluster``, a column
    ``account_id`` with too few values to be used.
    """
    found = []
    unused = unused_cluster_column(engine.local)
    if unused is not None and "account" not in (people_mode(engine.local) or ""):
        text = (
            f"the column {unused!r} of users has fewer than {MIN_CLUSTERS} values: users are"
            f" resampled one by one. Set cluster = {unused!r} to resample its values"
        )
        found.append(("unused_cluster", text))
    share = 0.0 if cluster_column(engine.local) else share_of_users_sharing(engine)
    if share > MIN_SHARE:
        text = (
            f"{share:.0%} of the users repeatedly have touches at the same instant as another user,"
            " of the same channel and campaign. If they belong together, as in an account or a"
            " household, verdicts and intervals are surer than they should be: name the column of"
            " users that says so in the setting `cluster`, or call it account_id"
        )
        found.append(("shared_touches", text))
    return found


def share_of_users_sharing(engine: Engine) -> float:
    """Return the share of active users who repeatedly share touches with another user.

    It is 0 where times are too coarse to compare.
    """
    hour, touches, on_the_hour = engine.fetch_numpy(_HOURS).values()
    latest = touches.cumsum() - touches < MOST_TOUCHES
    if on_the_hour[latest].sum() > MAX_WHOLE_HOURS * touches[latest].sum():
        return 0.0
    since_us = int(hour[latest].min(initial=_LAST_HOUR)) * _HOUR_US
    active, sharing = engine.rows(_SHARING, {"since_us": since_us})[0]
    return float(sharing / active) if active else 0.0
