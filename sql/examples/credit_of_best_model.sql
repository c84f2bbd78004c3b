-- Shows credit and cost of each channel, according to the best model of each outcome.
-- @outcome name of the outcome
-- @model rival with the lowest loss
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
inner join mart.model_comparison as compared
    on credit.outcome = compared.outcome and credit.model = compared.model
where compared.segment = 'all' and compared.rank = 1
order by credit.outcome, credit.conversions desc, credit.channel
