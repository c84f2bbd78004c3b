-- Compares the credit of each channel in the last 28 days with the 28 days before.
-- @outcome name of the outcome
-- @channel name of the channel
-- @conversions credited conversions of the last 28 days, according to the model to use
-- @before credited conversions of the 28 days before
-- @change conversions more, or fewer
with ages as (
    select
        daily.outcome,
        daily.channel,
        daily.conversions,
        date_diff('day', daily.date, max(daily.date) over (partition by daily.outcome)) as age
    from mart.credit_daily as daily
    inner join mart.model_to_use as to_use
        on daily.outcome = to_use.outcome and daily.model = to_use.model
)

select
    outcome,
    channel,
    round(sum(case when age < 28 then conversions else 0 end), 1) as conversions,
    round(sum(case when age >= 28 then conversions else 0 end), 1) as before,
    round(sum(case when age < 28 then conversions else -conversions end), 1) as change
from ages
where age < 56
group by outcome, channel
order by outcome, change desc, channel
