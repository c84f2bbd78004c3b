-- Finds touches of channels on which at least $threshold users, and nine of ten, have no other touch.
-- @user_id the user
-- @touched_at when it happened, UTC
-- @channel the marketing channel
-- @campaign the campaign, null where unknown
-- @interaction the kind of contact, null where unknown
-- @cost what the contact cost, null where unknown
-- @touchpoint_id id of the contact, null where there is none
--
-- Among the users of the other channels, fewer than eight of ten may have one touch only: otherwise
-- that is normal in the data, as without a login.
with users as (
    select user_id, count(*) as touches from inputs.rule_touches group by user_id
),

by_channel as (
    select
        seen.channel,
        count(*) as users,
        sum(case when users.touches = 1 then 1 else 0 end) as single
    from (select distinct user_id, channel from inputs.rule_touches) as seen
    inner join users on seen.user_id = users.user_id
    group by seen.channel
),

totals as (
    select sum(users) as users, sum(single) as single from by_channel
),

found as (
    select by_channel.channel
    from by_channel
    cross join totals
    where by_channel.single >= $threshold
        and by_channel.single >= 0.9 * by_channel.users
        and totals.single - by_channel.single < 0.8 * (totals.users - by_channel.users)
)

select
    touches.user_id, touches.touched_at, touches.channel, touches.campaign, touches.interaction,
    touches.cost, touches.touchpoint_id
from inputs.rule_touches as touches
inner join users on touches.user_id = users.user_id
inner join found on touches.channel = found.channel
where users.touches = 1
