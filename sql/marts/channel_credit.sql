-- Credit by channel: what each model says that each channel earned, and what that cost.
-- @outcome name of the outcome
-- @model name of the model
-- @channel the channel; (unattributed) holds conversions without any touch on their path
-- @conversions conversions credited; over all channels they sum to the outcome's conversions
-- @conversions_low lower bound of the 95 % interval: users drawn again, models fitted again
-- @conversions_high its upper bound
-- @value value credited, in the one currency
-- @value_low lower bound of its 95 % interval
-- @value_high its upper bound
-- @share share of the attributed conversions, 0..1
-- @share_low lower bound of its 95 % interval
-- @share_high its upper bound
-- @cost cost of the channel over the whole history, in the one currency, null where unknown
-- @cpa cost per credited conversion
-- @cpa_low lower bound of its 95 % interval, the cost taken as it is
-- @cpa_high its upper bound, null where no bound is known
-- @roas credited value per unit of cost
-- @roas_low lower bound of its 95 % interval, the cost taken as it is
-- @roas_high its upper bound
with names as (
    select distinct outcome, model from credit.statistics
),

-- Sums are rounded far below what matters: in floating point the order of adding shows in the
-- last digits, and the order is the threads' own.
credited as (
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

touch_cost as (
    select channels.channel, round(sum(touches.cost), 6) as cost
    from journeys.touches as touches
    inner join journeys.channels as channels on touches.channel_key = channels.channel_key
    group by channels.channel
),

daily_cost as (
    select channel, round(sum(cost), 6) as cost from inputs.spend group by channel
),

-- A channel's cost comes from the spend table where that has the channel, else from its touches:
-- never from both.
channels_with_cost as (
    select
        coalesce(touch_cost.channel, daily_cost.channel) as channel,
        coalesce(daily_cost.cost, touch_cost.cost) as cost
    from touch_cost
    full join daily_cost on touch_cost.channel = daily_cost.channel
),

per_channel as (
    select
        names.outcome,
        names.model,
        channels_with_cost.channel,
        coalesce(credited.conversions, 0) as conversions,
        coalesce(credited.value, 0) as value,
        channels_with_cost.cost
    from names
    cross join channels_with_cost
    left join credited
        on names.outcome = credited.outcome
        and names.model = credited.model
        and channels_with_cost.channel = credited.channel
),

unattributed as (
    select
        names.outcome,
        names.model,
        '(unattributed)' as channel,
        cast(count(conversions.conversion_key) as double) as conversions,
        coalesce(round(sum(conversions.value), 6), 0) as value,
        cast(null as double) as cost
    from names
    left join journeys.conversions as conversions
        on names.outcome = conversions.outcome and conversions.path_length = 0
    group by names.outcome, names.model
),

everything as (
    select
        outcome, model, channel, conversions, value,
        round(conversions / nullif(sum(conversions) over (partition by outcome, model), 0), 12)
            as share,
        cost
    from per_channel
    union all
    select outcome, model, channel, conversions, value, null, cost from unattributed
)

-- A channel that no conversion's path holds earns nothing, for certain as far as is known.
select
    everything.outcome,
    everything.model,
    everything.channel,
    conversions,
    coalesce(round(conversions_low, 9), 0) as conversions_low,
    coalesce(round(conversions_high, 9), 0) as conversions_high,
    value,
    coalesce(round(value_low, 6), 0) as value_low,
    coalesce(round(value_high, 6), 0) as value_high,
    share,
    case when share is not null then coalesce(round(share_low, 12), 0) end as share_low,
    case when share is not null then coalesce(round(share_high, 12), 0) end as share_high,
    cost,
    cost / nullif(conversions, 0) as cpa,
    cost / nullif(round(conversions_high, 9), 0) as cpa_low,
    cost / nullif(round(conversions_low, 9), 0) as cpa_high,
    value / nullif(cost, 0) as roas,
    coalesce(round(value_low, 6), 0) / nullif(cost, 0) as roas_low,
    coalesce(round(value_high, 6), 0) / nullif(cost, 0) as roas_high
from everything
left join credit.intervals as intervals
    on everything.outcome = intervals.outcome
    and everything.model = intervals.model
    and everything.channel = intervals.channel
order by everything.outcome, everything.model, conversions desc, everything.channel
