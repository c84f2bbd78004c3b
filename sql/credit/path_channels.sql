-- Counts the touches of each channel on the path of each conversion.
-- @conversion_key number of the conversion
-- @channel_key number of the channel
-- @channel_touches touches of the channel on the path
select conversion_key, channel_key, count(*) as channel_touches
from credit.paths
group by conversion_key, channel_key
