-- Shows after how many days conversions come, from the first touch and from the last one.
-- @outcome name of the outcome
-- @days whole days
-- @since_first_percent share of conversions whose first touch is at most so many days before
-- @since_last_percent share of conversions whose last touch is at most so many days before
select
    outcome,
    days,
    round(100 * sum(share) over (partition by outcome order by days), 1) as since_first_percent,
    round(100 * sum(share_since_last) over (partition by outcome order by days), 1)
        as since_last_percent
from mart.time_lags
order by outcome, days
