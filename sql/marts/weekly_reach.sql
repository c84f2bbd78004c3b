-- Users reached by week and channel: a user counts once a week, however many touches there are.
-- @week first day of the week, a Monday
-- @channel name of the channel
-- @touches number of touches
-- @users number of users with such a touch
--
-- Weeks are counted from Monday, 5 January 1970: by numbers, which all engines count alike.
with numbered as (
    select
        channel_key,
        user_key,
        cast(
            floor((epoch_us(local_time(touched_at)) - 345600000000) / 6.048e11) as bigint
        ) as week_number
    from journeys.counted_touches
)

select
    cast(make_timestamp(345600000000 + 604800000000 * numbered.week_number) as date) as week,
    channels.channel,
    count(*) as touches,
    count(distinct numbered.user_key) as users
from numbered
inner join journeys.channels as channels on numbered.channel_key = channels.channel_key
group by numbered.week_number, channels.channel
order by week, channel
