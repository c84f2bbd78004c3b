-- How the credit of each model differs from last touch, with 95 % intervals of the difference.
-- @outcome name of the outcome
-- @model name of the model
-- @reference the model that it is compared with
-- @channel name of the channel
-- @conversions conversions credited by the model minus those credited by the reference
-- @conversions_low lower bound of the 95 % bootstrap interval: both models are refitted on the same draws
-- @conversions_high upper bound of the 95 % bootstrap interval
-- @value difference of the credited value, in the currency of the data; null if no conversion of the outcome has a value
-- @value_low lower bound of the 95 % interval of value
-- @value_high upper bound of the 95 % interval of value
-- @share difference of the share of the attributed conversions, -1..1
-- @share_low lower bound of the 95 % interval of share
-- @share_high upper bound of the 95 % interval of share
with valued as (
    select outcome, count(value) > 0 as has_value from journeys.conversions group by outcome
)

select
    differences.outcome,
    differences.model,
    differences.reference,
    differences.channel,
    round(differences.conversions, 9) as conversions,
    round(differences.conversions_low, 9) as conversions_low,
    round(differences.conversions_high, 9) as conversions_high,
    case when valued.has_value then round(differences.value, 6) end as value,
    case when valued.has_value then round(differences.value_low, 6) end as value_low,
    case when valued.has_value then round(differences.value_high, 6) end as value_high,
    round(differences.share, 12) as share,
    round(differences.share_low, 12) as share_low,
    round(differences.share_high, 12) as share_high
from credit.differences as differences
inner join valued on differences.outcome = valued.outcome
order by outcome, model, reference, channel
