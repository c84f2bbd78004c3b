-- Shows credit and cost of each channel, according to the model to use.
-- @outcome name of the outcome
-- @model model to use; of those that stand, the first primary one by rank
-- @channel name of the channel
-- @conversions credited conversions
-- @share_percent share of the attributed conversions, percent
-- @cost cost of the channel, in the currency of the data
-- @cpa cost per credited conversion, in the currency of the data
-- @roas credited value per unit of cost
select
    credit.outcome,
    credit.model,
    credit.channel,
    round(credit.conversions, 1) as conversions,
    round(100 * credit.share, 1) as share_percent,
    round(credit.cost, 2) as cost,
    round(credit.cpa, 2) as cpa,
    round(credit.roas, 2) as roas
from mart.channel_credit as credit
inner join mart.model_to_use as to_use
    on credit.outcome = to_use.outcome and credit.model = to_use.model
order by credit.outcome, credit.conversions desc, credit.channel
