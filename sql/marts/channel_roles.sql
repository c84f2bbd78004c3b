-- How often each channel is on the path of a conversion, and in which place.
-- @outcome name of the outcome
-- @channel name of the channel
-- @on_path conversions with the channel on their path
-- @first conversions whose path begins with the channel
-- @last conversions whose path ends with the channel
-- @assisted conversions with the channel on their path that end with another channel
-- @alone conversions with no other channel on their path
with by_channel as (
    select
        outcome,
        user_key,
        conversion,
        channel_key,
        min(touch) as first_touch,
        max(touch) as last_touch
    from credit.touch_credit
    group by outcome, user_key, conversion, channel_key
),

on_paths as (
    select
        outcome,
        channel_key,
        case when first_touch = min(first_touch) over path then 1 else 0 end as is_first,
        case when last_touch = max(last_touch) over path then 1 else 0 end as is_last,
        count(*) over path as channels
    from by_channel
    window path as (partition by outcome, user_key, conversion)
)

select
    on_paths.outcome,
    channels.channel,
    count(*) as on_path,
    cast(sum(on_paths.is_first) as bigint) as first,
    cast(sum(on_paths.is_last) as bigint) as last,
    cast(sum(1 - on_paths.is_last) as bigint) as assisted,
    cast(sum(case when on_paths.channels = 1 then 1 else 0 end) as bigint) as alone
from on_paths
inner join journeys.channels as channels on on_paths.channel_key = channels.channel_key
group by on_paths.outcome, channels.channel
order by outcome, on_path desc, channel
