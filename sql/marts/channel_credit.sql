-- Credit, cost, CPA and ROAS of each channel according to each model, with 95 % intervals.
-- @outcome name of the outcome
-- @model name of the model
-- @credit how the model credits: rule (its weights), posterior (which touch decided, if the rule is true) or model
-- @channel name of the channel; (unattributed) holds the conversions without a touch on their path
-- @is_champion whether the model is the one in use (mart champions)
-- @conversions credited conversions; they sum to all conversions of the outcome
-- @conversions_low lower bound of the 95 % bootstrap interval: users are resampled and models refitted
-- @conversions_high upper bound of the 95 % bootstrap interval
-- @standing_low least conversions that a model credits to the channel, among those that stand: all models but refuted ones
-- @standing_high most conversions that such a model credits to the channel
-- @value credited value, in the currency of the data; null if no conversion of the outcome has a value
-- @value_low lower bound of the 95 % interval of value
-- @value_high upper bound of the 95 % interval of value
-- @share share of the attributed conversions, 0..1; null for (unattributed)
-- @share_low lower bound of the 95 % interval of share
-- @share_high upper bound of the 95 % interval of share
-- @cost cost of the channel from the day of the first touch to the day of the last, as charged to the outcome (outcomes.cost_share), in the currency of the data; null where unknown
-- @cpa cost per credited conversion, in the currency of the data
-- @cpa_low lower bound of the 95 % interval of cpa; the cost is taken as exact
-- @cpa_high upper bound of the 95 % interval of cpa; null where unbounded
-- @roas return on ad spend: credited value per unit of cost
-- @roas_low lower bound of the 95 % interval of roas; the cost is taken as exact
-- @roas_high upper bound of the 95 % interval of roas
with names as (
    select outcome, model from credit.kinds
),

valued as (
    select outcome, count(value) > 0 as has_value from journeys.conversions group by outcome
),

-- Sums are rounded to digits that do not depend on the order in which threads add.
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
    from journeys.counted_touches as touches
    inner join journeys.channels as channels on touches.channel_key = channels.channel_key
    group by channels.channel
),

daily_cost as (
    select channel, round(sum(cost), 6) as cost
    from journeys.spend
    where in_period
    group by channel
),

-- The cost of a channel comes from the spend table, or from its touches if it is not in there:
-- never from both.
channels_with_cost as (
    select
        coalesce(touch_cost.channel, daily_cost.channel) as channel,
        coalesce(daily_cost.cost, touch_cost.cost) as cost
    from touch_cost
    full join daily_cost on touch_cost.channel = daily_cost.channel
),

-- The cost of merged channels is that of the one that they count as; excluded ones are left out.
channels_of_outcome as (
    select
        outcomes.outcome,
        coalesce(chosen.into_channel, channels_with_cost.channel) as channel,
        round(sum(channels_with_cost.cost * shares.cost_share), 6) as cost
    from (select distinct outcome from names) as outcomes
    cross join channels_with_cost
    left join credit.cost_shares as shares on outcomes.outcome = shares.outcome
    left join journeys.outcome_channels as chosen
        on outcomes.outcome = chosen.outcome and channels_with_cost.channel = chosen.channel
    where not coalesce(chosen.is_excluded, false)
    group by outcomes.outcome, coalesce(chosen.into_channel, channels_with_cost.channel)
),

per_channel as (
    select
        names.outcome,
        names.model,
        channels_of_outcome.channel,
        coalesce(credited.conversions, 0) as conversions,
        coalesce(credited.value, 0) as value,
        channels_of_outcome.cost
    from names
    inner join channels_of_outcome on names.outcome = channels_of_outcome.outcome
    left join credited
        on names.outcome = credited.outcome
        and names.model = credited.model
        and channels_of_outcome.channel = credited.channel
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

all_rows as (
    select
        outcome, model, channel, conversions, value,
        round(conversions / nullif(sum(conversions) over (partition by outcome, model), 0), 12)
            as share,
        cost
    from per_channel
    union all
    select outcome, model, channel, conversions, value, null, cost from unattributed
),

-- A channel that is on no converted path has credit 0, with the interval 0 to 0. Rounding must not
-- move a bound past its figure.
bounded as (
    select
        all_rows.*,
        least(coalesce(round(intervals.conversions_low, 9), 0), conversions) as conversions_low,
        greatest(coalesce(round(intervals.conversions_high, 9), 0), conversions)
            as conversions_high,
        least(coalesce(round(intervals.value_low, 6), 0), value) as value_low,
        greatest(coalesce(round(intervals.value_high, 6), 0), value) as value_high,
        case when share is not null then least(coalesce(round(intervals.share_low, 12), 0), share)
        end as share_low,
        case
            when share is not null
                then greatest(coalesce(round(intervals.share_high, 12), 0), share)
        end as share_high
    from all_rows
    left join credit.intervals as intervals
        on all_rows.outcome = intervals.outcome
        and all_rows.model = intervals.model
        and all_rows.channel = intervals.channel
)

select
    bounded.outcome,
    bounded.model,
    kinds.credit,
    bounded.channel,
    coalesce(champions.model = bounded.model, false) as is_champion,
    conversions,
    conversions_low,
    conversions_high,
    min(case when refuted.model is null then conversions end)
        over (partition by bounded.outcome, bounded.channel) as standing_low,
    max(case when refuted.model is null then conversions end)
        over (partition by bounded.outcome, bounded.channel) as standing_high,
    case when has_value then value end as value,
    case when has_value then value_low end as value_low,
    case when has_value then value_high end as value_high,
    share,
    share_low,
    share_high,
    cost,
    cost / nullif(conversions, 0) as cpa,
    cost / nullif(conversions_high, 0) as cpa_low,
    cost / nullif(conversions_low, 0) as cpa_high,
    case when has_value then value / nullif(cost, 0) end as roas,
    case when has_value then value_low / nullif(cost, 0) end as roas_low,
    case when has_value then value_high / nullif(cost, 0) end as roas_high
from bounded
inner join valued on bounded.outcome = valued.outcome
left join credit.kinds as kinds
    on bounded.outcome = kinds.outcome and bounded.model = kinds.model
left join evaluation.refuted as refuted
    on bounded.outcome = refuted.outcome and bounded.model = refuted.model
left join evaluation.champions as champions on bounded.outcome = champions.outcome
order by bounded.outcome, bounded.model, conversions desc, bounded.channel
