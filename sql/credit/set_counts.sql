-- Conversions by the set of channels on their path and by bucket.
-- @set_key number of the set
-- @bucket bucket of the user
-- @conversions how many there are
-- @value their value in the one currency
select
    sets.set_key,
    conversions.bucket,
    count(*) as conversions,
    coalesce(sum(conversions.value), 0) as value
from credit.sets as sets
inner join journeys.conversions as conversions on sets.conversion_key = conversions.conversion_key
group by sets.set_key, conversions.bucket
order by sets.set_key, conversions.bucket
