-- Numbers the touches of each user in time order; exact duplicates of a touchpoint are dropped.
-- @user_key number of the user
-- @bucket bucket of the user
-- @touch number of the touch within the user: 1, 2, ... in time order
-- @touched_at time of the touch, UTC
-- @channel_key number of the channel
-- @is_direct whether the channel is direct traffic
-- @campaign name of the campaign, null where there is none
-- @interaction kind of contact, null where unknown
-- @cost cost of this touch in the currency of the data, null where unknown
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
        row_number() over in_time as number,
        rank() over in_time as first_number,
        dense_rank() over in_time as touch
    from inputs.touchpoints as touchpoints
    inner join journeys.users as users on touchpoints.user_id = users.user_id
    inner join journeys.channels as channels on touchpoints.channel = channels.channel
    -- Simultaneous touches are ordered by the touchpoint's id, then by the other columns.
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
-- The order uses every column, so only exact duplicates are peers: keep the first.
where number = first_number
