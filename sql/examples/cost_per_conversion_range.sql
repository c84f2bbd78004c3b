-- Shows the least and the most that a conversion costs, over all models that stand.
-- @outcome name of the outcome
-- @channel name of the channel
-- @spend what was spent, in the currency of the data
-- @cpa spend per conversion according to the model to use
-- @cpa_least spend per conversion according to the model that credits the channel most
-- @cpa_most spend per conversion according to the model that credits it least
select
    outcome,
    channel,
    round(spend, 2) as spend,
    round(cpa, 2) as cpa,
    round(spend / nullif(standing_high, 0), 2) as cpa_least,
    round(spend / nullif(standing_low, 0), 2) as cpa_most
from mart.channel_summary
where spend > 0
order by outcome, spend desc, channel
