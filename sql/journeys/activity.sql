-- Touches and users by day, channel and campaign.
-- @date day of the touches, in the time zone of the settings
-- @channel_key number of the channel
-- @campaign name of the campaign, null where there is none
-- @touches number of touches
-- @users number of users with such a touch
-- @cost cost of the touches in the currency of the data, null where none is known
--
-- Touches from $from_at until before $until_at count.
select
    cast(local_time(touched_at) as date) as date,
    channel_key,
    campaign,
    count(*) as touches,
    count(distinct user_key) as users,
    round(sum(cost), 6) as cost
from journeys.counted_touches
where touched_at >= $from_at and touched_at < $until_at
group by cast(local_time(touched_at) as date), channel_key, campaign
