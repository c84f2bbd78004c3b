-- Spend, touches, credit and return by day, channel and campaign, for each outcome and model.
-- @date day of the spend, of the touches, and of the conversions, in the time zone of the settings
-- @outcome name of the outcome
-- @model name of the model
-- @channel name of the channel; (unattributed) holds the conversions without a touch on their path
-- @campaign name of the campaign, null where there is none
-- @spend what was spent, as charged to the outcome (outcomes.cost_share), in the currency of the data; null where unknown. Every model has all of it: add it up within one
-- @touches number of touches
-- @users number of users with such a touch; a user counts on each day
-- @conversions conversions of that day that the model credits
-- @value their credited value, in the currency of the data; null if no conversion of the outcome has a value
-- @cpa spend per credited conversion, in the currency of the data
-- @roas return on ad spend: credited value per unit of spend
with credited_models as (
    select outcome, model, count(value) > 0 as has_value
    from mart.channel_credit
    group by outcome, model
),

all_rows as (
    select
        activity.date, models.outcome, models.model, activity.channel, activity.campaign,
        activity.spend * outcomes.cost_share as spend, activity.touches, activity.users,
        0 as conversions, case when models.has_value then 0 end as value
    from mart.channel_activity as activity
    cross join credited_models as models
    left join mart.outcomes as outcomes on models.outcome = outcomes.outcome
    union all
    select date, outcome, model, channel, campaign, null, 0, 0, conversions, value
    from mart.credit_daily
)

select
    date,
    outcome,
    model,
    channel,
    campaign,
    round(sum(spend), 6) as spend,
    cast(sum(touches) as bigint) as touches,
    cast(sum(users) as bigint) as users,
    round(sum(conversions), 9) as conversions,
    round(sum(value), 6) as value,
    round(sum(spend), 6) / nullif(round(sum(conversions), 9), 0) as cpa,
    round(sum(value), 6) / nullif(round(sum(spend), 6), 0) as roas
from all_rows
group by date, outcome, model, channel, campaign
