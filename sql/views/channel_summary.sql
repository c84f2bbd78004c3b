-- One row per outcome and channel, for a dashboard: reach, spend, and credit by the model to use and by last touch.
-- @outcome name of the outcome
-- @channel name of the channel; (unattributed) holds the conversions without a touch on their path
-- @model the model to use (view model_to_use)
-- @spend what was spent, as charged to the outcome (outcomes.cost_share), in the currency of the data; null where unknown
-- @spend_share share of the spend on all channels, 0..1
-- @touches number of touches
-- @conversions conversions that the model credits
-- @conversions_low lower bound of the 95 % interval
-- @conversions_high upper bound of the 95 % interval
-- @standing_low least conversions that a model that stands credits
-- @standing_high most conversions that such a model credits
-- @share share of the attributed conversions, 0..1; null for (unattributed)
-- @value credited value, in the currency of the data; null if no conversion of the outcome has a value
-- @cpa spend per credited conversion, in the currency of the data
-- @roas return on ad spend: credited value per unit of spend
-- @last_touch_conversions conversions that last touch credits; null where it was not compared
-- @moved conversions that the model credits minus those of last touch
with touched as (
    select channel, cast(sum(touches) as bigint) as touches
    from mart.channel_activity
    group by channel
)

select
    credit.outcome,
    credit.channel,
    credit.model,
    credit.cost as spend,
    round(credit.cost / nullif(sum(credit.cost) over (partition by credit.outcome), 0), 12)
        as spend_share,
    coalesce(touched.touches, 0) as touches,
    credit.conversions,
    credit.conversions_low,
    credit.conversions_high,
    credit.standing_low,
    credit.standing_high,
    credit.share,
    credit.value,
    credit.cpa,
    credit.roas,
    last_touch.conversions as last_touch_conversions,
    credit.conversions - last_touch.conversions as moved
from mart.channel_credit as credit
inner join mart.model_to_use as to_use
    on credit.outcome = to_use.outcome and credit.model = to_use.model
left join mart.channel_credit as last_touch
    on credit.outcome = last_touch.outcome
    and credit.channel = last_touch.channel
    and last_touch.model = 'last_touch'
left join touched on credit.channel = touched.channel
