-- Spend, touches, credit and return by week and channel, for each outcome and model.
-- @week first day of the week, a Monday
-- @outcome name of the outcome
-- @model name of the model
-- @channel name of the channel; (unattributed) holds the conversions without a touch on their path
-- @spend what was spent, as charged to the outcome (outcomes.cost_share), in the currency of the data; null where unknown. Every model has all of it: add it up within one
-- @touches number of touches
-- @users number of users with such a touch; a user counts once a week
-- @conversions conversions of the week that the model credits
-- @value their credited value, in the currency of the data; null if no conversion of the outcome has a value
-- @cpa spend per credited conversion, in the currency of the data
-- @roas return on ad spend: credited value per unit of spend
with by_week as (
    select
        cast(date_trunc('week', date) as date) as week,
        outcome,
        model,
        channel,
        round(sum(spend), 6) as spend,
        round(sum(conversions), 9) as conversions,
        round(sum(value), 6) as value
    from mart.channel_performance
    group by cast(date_trunc('week', date) as date), outcome, model, channel
)

select
    by_week.week,
    by_week.outcome,
    by_week.model,
    by_week.channel,
    by_week.spend,
    coalesce(reach.touches, 0) as touches,
    coalesce(reach.users, 0) as users,
    by_week.conversions,
    by_week.value,
    by_week.spend / nullif(by_week.conversions, 0) as cpa,
    by_week.value / nullif(by_week.spend, 0) as roas
from by_week
left join mart.weekly_reach as reach
    on by_week.week = reach.week and by_week.channel = reach.channel
