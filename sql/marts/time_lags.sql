-- Counts conversions by the days from the first touch of their path.
-- @outcome name of the outcome
-- @days whole days from the first touch of the path to the conversion
-- @conversions number of conversions
-- @share share of the outcome's attributed conversions, 0..1
with lags as (
    select
        outcome,
        cast(floor(hours_since_first / 24) as integer) as days
    from journeys.path_events
    where is_conversion and path_length > 0
)

select
    outcome, days, count(*) as conversions,
    count(*) / sum(count(*)) over (partition by outcome) as share
from lags
group by outcome, days
order by outcome, days
