-- Counts conversions up to $until by the set of channels on their path and by bucket.
-- @set_key number of the set
-- @bucket bucket of the user
-- @conversions number of conversions
-- @value their value, in the currency of the data
select
    channel_sets.set_key,
    conversions.bucket,
    count(*) as conversions,
    coalesce(sum(conversions.value), 0) as value
from credit.channel_sets as channel_sets
inner join credit.conversions as conversions
    on channel_sets.conversion_key = conversions.conversion_key
where conversions.converted_at <= $until
group by channel_sets.set_key, conversions.bucket
order by channel_sets.set_key, conversions.bucket
