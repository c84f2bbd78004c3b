-- Counts conversions by the number of touches on their path.
-- @outcome name of the outcome
-- @path_length touches on the path, 0 for conversions that cannot be attributed
-- @conversions number of conversions
-- @share share of the outcome's conversions, 0..1
select
    outcome,
    path_length,
    count(*) as conversions,
    count(*) / sum(count(*)) over (partition by outcome) as share
from journeys.conversions
group by outcome, path_length
order by outcome, path_length
