-- Lists the channels of each set of channels on the paths of conversions.
-- @set_key number of the set, from 0
-- @channel_key number of the channel
select examples.set_key, path_channels.channel_key
from (
    select set_key, min(conversion_key) as conversion_key
    from credit.channel_sets
    group by set_key
) as examples
inner join credit.path_channels as path_channels
    on examples.conversion_key = path_channels.conversion_key
order by examples.set_key, path_channels.channel_key
