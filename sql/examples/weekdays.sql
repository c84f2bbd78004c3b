-- Shows on which days of the week conversions come, by channel, according to the model to use.
-- @outcome name of the outcome
-- @channel name of the channel
-- @weekday day of the week, 1 for Monday
-- @percent share of the channel's credited conversions, percent
with by_day as (
    select
        daily.outcome,
        daily.channel,
        isodow(daily.date) as weekday,
        sum(daily.conversions) as conversions
    from mart.credit_daily as daily
    inner join mart.model_to_use as to_use
        on daily.outcome = to_use.outcome and daily.model = to_use.model
    group by all
)

select
    outcome,
    channel,
    weekday,
    round(100 * conversions / sum(conversions) over (partition by outcome, channel), 1) as percent
from by_day
order by outcome, channel, weekday
