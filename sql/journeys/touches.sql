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
--
-- With $keep_duplicates, exact duplicates without an id stay: each gets a different copy.
with touchpoints as (
    select
        users.user_key,
        users.bucket,
        touchpoints.touched_at,
        channels.channel_key,
        channels.is_direct,
        touchpoints.campaign,
        touchpoints.interaction,
        touchpoints.cost,
        touchpoints.touchpoint_id,
        touchpoints.joined_id,
        case
            when regexp_full_match(touchpoints.touchpoint_id, '[0-9]+')
                then try_cast(touchpoints.touchpoint_id as bigint)
        end as number_of_id,
        case when $keep_duplicates and touchpoints.touchpoint_id is null then uuid() end as copy
    from people.touchpoints as touchpoints
    inner join journeys.users as users on touchpoints.user_id = users.user_id
    inner join journeys.channels as channels on touchpoints.channel = channels.channel
),

-- Ids are ordered as numbers, 9 before 10, if all ids of the user are whole numbers.
numbered as (
    select
        *,
        count(touchpoint_id) over (partition by user_key)
        = count(number_of_id) over (partition by user_key) as ids_are_numbers
    from touchpoints
),

ordered as (
    select
        *,
        row_number() over in_time as number,
        rank() over in_time as first_number,
        dense_rank() over in_time as touch
    from numbered
    -- Simultaneous touches are ordered by the touchpoint's id, then by the other columns.
    window in_time as (
        partition by user_key
        order by
            touched_at,
            case when ids_are_numbers then number_of_id end nulls last,
            touchpoint_id nulls last,
            campaign nulls last,
            interaction nulls last,
            cost nulls last,
            channel_key,
            joined_id nulls last,
            copy nulls last
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
