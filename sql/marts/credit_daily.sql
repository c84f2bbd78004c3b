-- Credit by day of conversion, channel and campaign.
-- @date day of the conversion, UTC
-- @outcome name of the outcome
-- @model name of the model
-- @channel the channel; (unattributed) holds conversions without any touch on their path
-- @campaign the campaign, if any
-- @conversions conversions credited
-- @value value credited, in the one currency
select
    statistics.converted_on as date,
    statistics.outcome,
    statistics.model,
    channels.channel,
    statistics.campaign,
    round(sum(statistics.conversions), 9) as conversions,
    coalesce(round(sum(statistics.value), 6), 0) as value
from credit.statistics as statistics
inner join journeys.channels as channels on statistics.channel_key = channels.channel_key
group by
    statistics.converted_on, statistics.outcome, statistics.model, channels.channel,
    statistics.campaign
union all
select
    cast(conversions.converted_at as date),
    conversions.outcome,
    names.model,
    '(unattributed)',
    null,
    cast(count(*) as double),
    coalesce(round(sum(conversions.value), 6), 0)
from journeys.conversions as conversions
inner join (select distinct outcome, model from credit.statistics) as names
    on conversions.outcome = names.outcome
where conversions.path_length = 0
group by cast(conversions.converted_at as date), conversions.outcome, names.model
order by outcome, model, date, channel, campaign
