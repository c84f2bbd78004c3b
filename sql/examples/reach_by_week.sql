-- Shows how many users each channel reaches in a week, and what one of them costs.
-- @week first day of the week
-- @channel name of the channel
-- @users users with a touch in the week
-- @touches_per_user touches per user
-- @spend_per_user what was spent per user, in the currency of the data; null where unknown
with spent as (
    select cast(date_trunc('week', date) as date) as week, channel, sum(spend) as spend
    from mart.channel_activity
    group by all
)

select
    reach.week,
    reach.channel,
    reach.users,
    round(reach.touches / reach.users, 2) as touches_per_user,
    round(spent.spend / reach.users, 4) as spend_per_user
from mart.weekly_reach as reach
left join spent on reach.week = spent.week and reach.channel = spent.channel
order by reach.channel, reach.week
