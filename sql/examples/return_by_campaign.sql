-- Shows spend, credit and return by campaign, according to the model to use.
-- @outcome name of the outcome
-- @channel name of the channel
-- @campaign name of the campaign
-- @spend what was spent, in the currency of the data; null where the spend has no campaign
-- @conversions credited conversions
-- @cpa spend per credited conversion
-- @roas credited value per unit of spend
select
    performance.outcome,
    performance.channel,
    performance.campaign,
    round(sum(performance.spend), 2) as spend,
    round(sum(performance.conversions), 1) as conversions,
    round(sum(performance.spend) / nullif(sum(performance.conversions), 0), 2) as cpa,
    round(sum(performance.value) / nullif(sum(performance.spend), 0), 2) as roas
from mart.channel_performance as performance
inner join mart.model_to_use as to_use
    on performance.outcome = to_use.outcome and performance.model = to_use.model
where performance.campaign is not null
group by performance.outcome, performance.channel, performance.campaign
order by performance.outcome, conversions desc, performance.channel, performance.campaign
