-- The channels of each set that is met on the paths of conversions.
-- @set_key number of the set, from 0
-- @channel_key number of the channel
select examples.set_key, met.channel_key
from (
    select set_key, min(conversion_key) as conversion_key
    from credit.sets
    group by set_key
) as examples
inner join credit.met as met on examples.conversion_key = met.conversion_key
order by examples.set_key, met.channel_key
