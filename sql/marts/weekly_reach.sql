-- Users reached by week and channel: a user counts once a week, however many touches there are.
-- @week first day of the week, a Monday
-- @channel name of the channel
-- @touches number of touches
-- @users number of users with such a touch
select
    reach.date as week,
    channels.channel,
    reach.touches,
    reach.users
from journeys.reach as reach
inner join journeys.channels as channels on reach.channel_key = channels.channel_key
order by week, channel
