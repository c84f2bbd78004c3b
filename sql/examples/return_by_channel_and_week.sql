-- Shows the return of each channel by week, according to the model to use.
-- @week first day of the week
-- @outcome name of the outcome
-- @channel name of the channel
-- @spend what was spent in the week, in the currency of the data
-- @value credited value of the week's conversions
-- @roas credited value per unit of spend
select
    performance.week,
    performance.outcome,
    performance.channel,
    round(performance.spend, 2) as spend,
    round(performance.value, 2) as value,
    round(performance.roas, 2) as roas
from mart.channel_performance_weekly as performance
inner join mart.model_to_use as to_use
    on performance.outcome = to_use.outcome and performance.model = to_use.model
where performance.spend > 0
order by performance.outcome, performance.channel, performance.week
