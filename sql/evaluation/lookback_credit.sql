-- Credit by channel and model, with the lookback that it depends on.
-- @outcome name of the outcome
-- @lookback how long before a conversion a touch counts
-- @model name of the model
-- @channel name of the channel; (unattributed) holds the conversions without a touch on their path
-- @conversions credited conversions
-- @value credited value, null if no conversion of the outcome has a value
with credited as (
    select
        statistics.outcome,
        statistics.model,
        channels.channel,
        round(sum(statistics.conversions), 9) as conversions,
        round(sum(statistics.value), 6) as value
    from credit.statistics as statistics
    inner join journeys.channels as channels on statistics.channel_key = channels.channel_key
    group by statistics.outcome, statistics.model, channels.channel
),

unattributed as (
    select
        kinds.outcome,
        kinds.model,
        '(unattributed)' as channel,
        cast(count(conversions.conversion_key) as double) as conversions,
        round(sum(conversions.value), 6) as value
    from credit.kinds as kinds
    left join journeys.conversions as conversions
        on kinds.outcome = conversions.outcome and conversions.path_length = 0
    group by kinds.outcome, kinds.model
),

valued as (
    select outcome, count(value) > 0 as has_value from journeys.conversions group by outcome
)

select
    outcomes.outcome,
    outcomes.lookback,
    all_rows.model,
    all_rows.channel,
    all_rows.conversions,
    case when valued.has_value then coalesce(all_rows.value, 0) end as value
from evaluation.outcomes as outcomes
inner join (
    select outcome, model, channel, conversions, value from credited
    union all
    select outcome, model, channel, conversions, value from unattributed
) as all_rows
    on outcomes.outcome = all_rows.outcome
inner join valued on outcomes.outcome = valued.outcome
