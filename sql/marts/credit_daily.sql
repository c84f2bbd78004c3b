-- Credit by day of conversion, channel and campaign, according to each model.
-- @date day of the conversion, in the time zone of the settings
-- @outcome name of the outcome
-- @model name of the model
-- @credit how the model credits: rule (its weights), posterior (which touch decided, if the rule is true) or model
-- @channel name of the channel; (unattributed) holds the conversions without a touch on their path
-- @campaign name of the campaign, null where there is none
-- @conversions credited conversions
-- @value credited value, in the currency of the data; null if no conversion of the outcome has a value
with valued as (
    select outcome, count(value) > 0 as has_value from journeys.conversions group by outcome
)

select
    daily.converted_on as date,
    daily.outcome,
    daily.model,
    kinds.credit,
    channels.channel,
    daily.campaign,
    round(daily.conversions, 9) as conversions,
    case when valued.has_value then coalesce(round(daily.value, 6), 0) end as value
from credit.daily as daily
inner join journeys.channels as channels on daily.channel_key = channels.channel_key
inner join valued on daily.outcome = valued.outcome
left join credit.kinds as kinds on daily.outcome = kinds.outcome and daily.model = kinds.model
union all
select
    cast(local_time(conversions.converted_at) as date),
    conversions.outcome,
    names.model,
    names.credit,
    '(unattributed)',
    null,
    cast(count(*) as double),
    case when valued.has_value then coalesce(round(sum(conversions.value), 6), 0) end
from journeys.conversions as conversions
inner join credit.kinds as names
    on conversions.outcome = names.outcome
inner join valued on conversions.outcome = valued.outcome
where conversions.path_length = 0
group by
    cast(local_time(conversions.converted_at) as date), conversions.outcome, names.model, names.credit,
    valued.has_value
order by outcome, model, date, channel, campaign
