-- Expands the path of each event to one row per touch.
-- @outcome name of the outcome
-- @is_conversion whether the event is a conversion; the others are landmarks
-- @user_key number of the user
-- @bucket bucket of the user
-- @happened_at time of the event, UTC
-- @event_touch number of the landmark's touch, null for a conversion
-- @touch number of the touch on the path
-- @touched_at time of the touch, UTC
-- @channel_key number of the channel
-- @channel name of the channel
-- @campaign name of the campaign, null where there is none
-- @interaction kind of contact, null where unknown
-- @position 1 for the path's first touch
-- @path_length touches on the path
-- @position_from_end 1 for the path's last touch
-- @last_non_direct_position position of the last touch that is not direct, null where all are direct
-- @hours_before_end hours from the touch to the path's last touch
-- @hours_after_start hours from the path's first touch to the touch
with expanded as (
    select
        path_events.*,
        positions.position,
        case
            when positions.position = 1 then path_events.first_touch
            else path_events.last_touch - path_events.path_length + positions.position
        end as path_touch
    from journeys.path_events as path_events
    inner join journeys.positions as positions on path_events.path_length = positions.path_length
)

select
    expanded.outcome,
    expanded.is_conversion,
    expanded.user_key,
    expanded.bucket,
    expanded.happened_at,
    expanded.touch as event_touch,
    touches.touch,
    touches.touched_at,
    touches.channel_key,
    channels.channel,
    touches.campaign,
    touches.interaction,
    -- Wide integers, so that arithmetic in rules does not overflow.
    cast(expanded.position as bigint) as position,
    cast(expanded.path_length as bigint) as path_length,
    cast(expanded.path_length - expanded.position + 1 as bigint) as position_from_end,
    case
        when expanded.last_non_direct_touch = expanded.first_touch then 1
        when expanded.last_non_direct_touch > expanded.last_touch - expanded.path_length + 1
            then expanded.last_non_direct_touch - expanded.last_touch + expanded.path_length
    end as last_non_direct_position,
    (epoch_us(expanded.last_touched_at) - epoch_us(touches.touched_at)) / 3.6e9
        as hours_before_end,
    (epoch_us(touches.touched_at) - epoch_us(expanded.first_touched_at)) / 3.6e9
        as hours_after_start
from expanded
inner join journeys.touches as touches
    on expanded.user_key = touches.user_key and expanded.path_touch = touches.touch
inner join journeys.channels as channels on touches.channel_key = channels.channel_key
