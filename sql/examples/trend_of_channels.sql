-- Shows the credited conversions of each channel by month, and the change since the month before.
-- @month first day of the month
-- @outcome name of the outcome
-- @channel name of the channel
-- @conversions credited conversions, according to the model to use
-- @change_percent change since the month before, percent
with by_month as (
    select
        cast(date_trunc('month', daily.date) as date) as month,
        daily.outcome,
        daily.channel,
        sum(daily.conversions) as conversions
    from mart.credit_daily as daily
    inner join mart.model_to_use as to_use
        on daily.outcome = to_use.outcome and daily.model = to_use.model
    group by all
)

select
    month,
    outcome,
    channel,
    round(conversions, 1) as conversions,
    round(
        100 * (conversions / lag(conversions) over (
            partition by outcome, channel order by month
        ) - 1), 1
    ) as change_percent
from by_month
order by outcome, channel, month
