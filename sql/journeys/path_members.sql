-- Lists the touches on the path of each event of one outcome whose contacts have different lookbacks.
-- @outcome name of the outcome
-- @is_conversion whether the event is a conversion; the others are landmarks
-- @user_key number of the user
-- @bucket bucket of the user
-- @happened_at time of the event, UTC
-- @event_touch number of the landmark's touch, null for a conversion
-- @touch number of the touch on the path
-- @position 1 for the path's first touch
-- @path_length touches on the path, 1 to 50; of more, the first and the 49 most recent are on it
-- @last_non_direct_position position of the last touch that is not direct, null where all are direct
-- @touched_at time of the touch, UTC
-- @first_touched_at time of the path's first touch, UTC
-- @last_touched_at time of the path's last touch, UTC
with numbered as (
    select
        touches.user_key,
        touches.touch,
        touches.touched_at,
        coalesce(chosen.into_is_direct, touches.is_direct) as is_direct,
        interactions.class,
        row_number() over (
            partition by touches.user_key, interactions.class order by touches.touch
        ) as number
    from journeys.touches as touches
    inner join journeys.interactions as interactions
        on touches.interaction is not distinct from interactions.interaction
        and interactions.outcome = $outcome
    left join journeys.outcome_channels as chosen
        on touches.channel_key = chosen.channel_key and chosen.outcome = $outcome
    where not coalesce(chosen.is_excluded, false)
),

first_conversions as (
    select user_key, min(at_us) as at_us
    from journeys.class_ranges
    where touch is null
    group by user_key
),

-- The first touch and the 49 most recent ones of a path are among those of their classes.
candidates as (
    select
        ranges.*,
        case
            when positions.position = 1 then ranges.first_number
            else ranges.last_number - positions.path_length + positions.position
        end as number
    from journeys.class_ranges as ranges
    inner join journeys.positions as positions on least(ranges.size, 50) = positions.path_length
    left join first_conversions on ranges.user_key = first_conversions.user_key
    where ranges.size > 0
        and (not $first_only or coalesce(ranges.at_us <= first_conversions.at_us, true))
),

sizes as (
    select user_key, at_us, touch, cast(least(sum(size), 50) as smallint) as path_length
    from journeys.class_ranges
    group by user_key, at_us, touch
),

placed as (
    select
        candidates.user_key,
        candidates.bucket,
        candidates.at_us,
        candidates.touch as event_touch,
        numbered.touch,
        numbered.touched_at,
        numbered.is_direct,
        sizes.path_length,
        row_number() over (
            partition by candidates.user_key, candidates.at_us, candidates.touch
            order by numbered.touch
        ) as from_start,
        row_number() over (
            partition by candidates.user_key, candidates.at_us, candidates.touch
            order by numbered.touch desc
        ) as from_end
    from candidates
    inner join numbered
        on candidates.user_key = numbered.user_key
        and candidates.class = numbered.class
        and candidates.number = numbered.number
    inner join sizes
        on candidates.user_key = sizes.user_key
        and candidates.at_us = sizes.at_us
        and candidates.touch is not distinct from sizes.touch
),

on_path as (
    select
        *,
        cast(case when from_start = 1 then 1 else path_length - from_end + 1 end as smallint)
            as position
    from placed
    where from_start = 1 or from_end < path_length
)

select
    $outcome as outcome,
    event_touch is null as is_conversion,
    user_key,
    bucket,
    make_timestamp(at_us) as happened_at,
    event_touch,
    touch,
    position,
    path_length,
    max(case when not is_direct then position end) over path as last_non_direct_position,
    touched_at,
    min(touched_at) over path as first_touched_at,
    max(touched_at) over path as last_touched_at
from on_path
window path as (partition by user_key, at_us, event_touch)
