-- Users reached by week and channel: a user counts once a week, however many touches there are.
-- @week first day of the week, a Monday
-- @channel name of the channel
-- @touches number of touches
-- @users number of users with such a touch
select
    cast(date_trunc('week', local_time(touches.touched_at)) as date) as week,
    channels.channel,
    count(*) as touches,
    count(distinct touches.user_key) as users
from journeys.counted_touches as touches
inner join journeys.channels as channels on touches.channel_key = channels.channel_key
group by cast(date_trunc('week', local_time(touches.touched_at)) as date), channels.channel
order by week, channel
