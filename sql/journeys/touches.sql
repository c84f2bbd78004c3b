-- Touches: every touchpoint once (exact duplicates count once), numbered in time order per user.
-- @user_key number of the user
-- @bucket bucket of the user
-- @touch number of the touch within the user: 1, 2, ... in time order
-- @touched_at instant of the touch, UTC
-- @channel_key number of the channel
-- @is_direct whether the channel is direct traffic
-- @campaign campaign, if any
-- @interaction kind of contact, if known
-- @cost cost of this touch in the one currency, if any
with distinct_touches as (
    select distinct user_id, touched_at, channel, campaign, interaction, cost, touchpoint_id
    from contract.touchpoints
)

select
    users.user_key,
    users.bucket,
    -- Touches of one instant: the touchpoint's id decides, then what else is known of them.
    cast(row_number() over (
        partition by users.user_key
        order by
            distinct_touches.touched_at,
            distinct_touches.touchpoint_id,
            distinct_touches.campaign,
            distinct_touches.interaction,
            distinct_touches.cost,
            channels.channel_key
    ) as integer) as touch,
    distinct_touches.touched_at,
    channels.channel_key,
    channels.is_direct,
    distinct_touches.campaign,
    distinct_touches.interaction,
    distinct_touches.cost
from distinct_touches
inner join journeys.users as users on distinct_touches.user_id = users.user_id
inner join journeys.channels as channels on distinct_touches.channel = channels.channel
