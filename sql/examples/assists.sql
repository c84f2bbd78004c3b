-- Shows how many conversions each channel assisted, and how many it was last on.
-- @outcome name of the outcome
-- @channel name of the channel
-- @assisted conversions with the channel on their path that end with another channel
-- @last conversions whose path ends with the channel
-- @assists_per_last assisted conversions for each one that ends with the channel
select
    outcome,
    channel,
    assisted,
    last,
    round(assisted / nullif(last, 0), 2) as assists_per_last
from mart.channel_roles
order by outcome, assists_per_last desc nulls last, channel
