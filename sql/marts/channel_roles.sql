-- How often each channel is on the path of a conversion, and in which place.
-- @outcome name of the outcome
-- @channel name of the channel
-- @on_path conversions with the channel on their path
-- @first conversions whose path begins with the channel
-- @last conversions whose path ends with the channel
-- @assisted conversions with the channel on their path that end with another channel
-- @alone conversions with no other channel on their path
with by_conversion as (
    select
        conversions.conversion_key,
        path_touches.outcome,
        path_touches.channel,
        max(case when path_touches.position = 1 then 1 else 0 end) as is_first,
        max(case when path_touches.position_from_end = 1 then 1 else 0 end) as is_last
    from journeys.path_touches as path_touches
    inner join journeys.conversions as conversions
        on path_touches.outcome = conversions.outcome
        and path_touches.user_key = conversions.user_key
        and path_touches.happened_at = conversions.converted_at
    where path_touches.is_conversion
    group by conversions.conversion_key, path_touches.outcome, path_touches.channel
),

with_others as (
    select *, count(*) over (partition by conversion_key) as channels from by_conversion
)

select
    outcome,
    channel,
    count(*) as on_path,
    cast(sum(is_first) as bigint) as first,
    cast(sum(is_last) as bigint) as last,
    cast(sum(1 - is_last) as bigint) as assisted,
    cast(sum(case when channels = 1 then 1 else 0 end) as bigint) as alone
from with_others
group by outcome, channel
order by outcome, on_path desc, channel
