-- Shows how the credit of each channel changes with the lookback, according to the model to use.
-- @outcome name of the outcome
-- @channel name of the channel
-- @lookback how long before a conversion a touch counts
-- @conversions credited conversions
-- @share_percent share of the attributed conversions, percent
-- @change conversions more, or fewer, than with the lookback of all other tables
select
    credit.outcome,
    credit.channel,
    credit.lookback,
    round(credit.conversions, 1) as conversions,
    round(100 * credit.share, 1) as share_percent,
    round(credit.conversions - main.conversions, 1) as change
from mart.lookback_credit as credit
inner join mart.model_to_use as to_use
    on credit.outcome = to_use.outcome and credit.model = to_use.model
left join mart.lookback_credit as main
    on credit.outcome = main.outcome
    and credit.model = main.model
    and credit.channel = main.channel
    and main.is_main
order by credit.outcome, credit.channel, credit.is_main desc, credit.lookback
