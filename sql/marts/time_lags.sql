-- Counts attributed conversions by days since the first and since the last touch on the path.
-- @outcome name of the outcome
-- @days whole days, rounded down
-- @conversions number of conversions whose first touch is so many days before
-- @share share of the outcome's attributed conversions, 0..1
-- @conversions_since_last number of conversions whose last touch is so many days before
-- @share_since_last share of the outcome's attributed conversions, 0..1
with lags as (
    select
        outcome,
        cast(floor(hours_since_first / 24) as integer) as days_since_first,
        cast(
            floor((epoch_us(happened_at) - epoch_us(last_touched_at)) / 8.64e10) as integer
        ) as days_since_last
    from journeys.path_events
    where is_conversion and path_length > 0
),

counted as (
    select outcome, days_since_first as days, count(*) as conversions, 0 as since_last
    from lags
    group by outcome, days_since_first
    union all
    select outcome, days_since_last, 0, count(*)
    from lags
    group by outcome, days_since_last
)

select
    outcome,
    days,
    cast(sum(conversions) as bigint) as conversions,
    sum(conversions) / sum(sum(conversions)) over (partition by outcome) as share,
    cast(sum(since_last) as bigint) as conversions_since_last,
    sum(since_last) / sum(sum(since_last)) over (partition by outcome) as share_since_last
from counted
group by outcome, days
order by outcome, days
