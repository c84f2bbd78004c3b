-- Touches and users by week and channel.
-- @date first day of the week, a Monday
-- @channel_key number of the channel
-- @touches number of touches
-- @users number of users with such a touch
--
-- Touches from $from_at until before $until_at count. Weeks are counted from Monday, 5 January 1970:
-- by numbers, which all engines count alike.
with numbered as (
    select
        channel_key,
        user_key,
        cast(
            floor((epoch_us(local_time(touched_at)) - 345600000000) / 6.048e11) as bigint
        ) as week_number
    from journeys.counted_touches
    where touched_at >= $from_at and touched_at < $until_at
)

select
    cast(make_timestamp(345600000000 + 604800000000 * week_number) as date) as date,
    channel_key,
    count(*) as touches,
    count(distinct user_key) as users
from numbered
group by week_number, channel_key
