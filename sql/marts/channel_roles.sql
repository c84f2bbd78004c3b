-- How often each channel is on the path of a conversion, and in which place.
-- @outcome name of the outcome
-- @channel name of the channel
-- @on_path conversions with the channel on their path
-- @first conversions whose path begins with the channel
-- @last conversions whose path ends with the channel
-- @assisted conversions with the channel on their path that end with another channel
-- @alone conversions with no other channel on their path
with paths as (
    select
        outcome,
        -- The channel of the first and of the last touch, each in one number with the touch.
        min(cast(touch as bigint) * 32768 + channel_key) % 32768 as first_channel,
        max(cast(touch as bigint) * 32768 + channel_key) % 32768 as last_channel,
        min(channel_key) = max(channel_key) as is_alone
    from credit.touch_credit
    group by outcome, user_key, conversion
),

roles as (
    select outcome, channel_key, count(*) as on_path, 0 as first, 0 as last, 0 as alone
    from (select distinct outcome, user_key, conversion, channel_key from credit.touch_credit)
    group by outcome, channel_key
    union all
    select outcome, first_channel, 0, count(*), 0, count(case when is_alone then 1 end)
    from paths
    group by outcome, first_channel
    union all
    select outcome, last_channel, 0, 0, count(*), 0
    from paths
    group by outcome, last_channel
)

select
    roles.outcome,
    channels.channel,
    cast(sum(roles.on_path) as bigint) as on_path,
    cast(sum(roles.first) as bigint) as first,
    cast(sum(roles.last) as bigint) as last,
    cast(sum(roles.on_path - roles.last) as bigint) as assisted,
    cast(sum(roles.alone) as bigint) as alone
from roles
inner join journeys.channels as channels on roles.channel_key = channels.channel_key
group by roles.outcome, channels.channel
order by outcome, on_path desc, channel
