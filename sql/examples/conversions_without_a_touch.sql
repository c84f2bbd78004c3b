-- Shows how many conversions have no touch on their path, by week.
-- @week first day of the week
-- @outcome name of the outcome
-- @conversions all conversions of the week
-- @without_touch_percent share without a touch, percent
with by_week as (
    select
        cast(date_trunc('week', daily.date) as date) as week,
        daily.outcome,
        sum(daily.conversions) as conversions,
        sum(case when daily.channel = '(unattributed)' then daily.conversions else 0 end)
            as without_touch
    from mart.credit_daily as daily
    inner join mart.model_to_use as to_use
        on daily.outcome = to_use.outcome and daily.model = to_use.model
    group by all
)

select
    week,
    outcome,
    round(conversions) as conversions,
    round(100 * without_touch / conversions, 1) as without_touch_percent
from by_week
order by outcome, week
