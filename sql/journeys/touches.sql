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
with ordered as (
    select
        users.user_key,
        users.bucket,
        touchpoints.touched_at,
        channels.channel_key,
        channels.is_direct,
        touchpoints.campaign,
        touchpoints.interaction,
        touchpoints.cost,
        row_number() over in_time as place,
        rank() over in_time as first_place,
        dense_rank() over in_time as touch
    from inputs.touchpoints as touchpoints
    inner join journeys.users as users on touchpoints.user_id = users.user_id
    inner join journeys.channels as channels on touchpoints.channel = channels.channel
    -- Touches of one instant: the touchpoint's id decides, then what else is known of them.
    window in_time as (
        partition by users.user_key
        order by
            touchpoints.touched_at,
            touchpoints.touchpoint_id nulls last,
            touchpoints.campaign nulls last,
            touchpoints.interaction nulls last,
            touchpoints.cost nulls last,
            channels.channel_key
    )
)

select
    user_key,
    bucket,
    cast(touch as integer) as touch,
    touched_at,
    channel_key,
    is_direct,
    campaign,
    interaction,
    cost
from ordered
-- The order knows every column, so exact duplicates, and they alone, share a place: keep the first.
where place = first_place
