-- Credit within each segment of users, according to each model, which is fitted on all users.
-- @outcome name of the outcome
-- @segment column of the users and its value, such as region = north
-- @model name of the model
-- @channel name of the channel
-- @conversions credited conversions of the segment's users
-- @value credited value, in the currency of the data; null if no conversion of the outcome has a value
-- @share share of the segment's attributed conversions, 0..1
with valued as (
    select outcome, count(value) > 0 as has_value from journeys.conversions group by outcome
)

select
    segments.outcome,
    segments.segment,
    segments.model,
    channels.channel,
    round(segments.conversions, 9) as conversions,
    case when valued.has_value then coalesce(round(segments.value, 6), 0) end as value,
    round(
        segments.conversions / nullif(
            sum(segments.conversions) over (
                partition by segments.outcome, segments.segment, segments.model
            ), 0
        ), 12
    ) as share
from credit.by_segment as segments
inner join journeys.channels as channels on segments.channel_key = channels.channel_key
inner join valued on segments.outcome = valued.outcome
order by outcome, segment, model, conversions desc, channel
