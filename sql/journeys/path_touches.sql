-- Paths laid out: one row for each touch on the path of each moment.
-- @outcome name of the outcome
-- @is_conversion whether the moment is a conversion; the others are landmarks
-- @user_key number of the user
-- @bucket bucket of the user
-- @happened_at the moment, UTC
-- @event_touch number of the landmark's touch, null for a conversion
-- @touch number of the touch on the path
-- @touched_at instant of the touch, UTC
-- @channel_key number of the channel
-- @channel name of the channel
-- @campaign campaign, if any
-- @interaction kind of contact, if known
-- @position 1 for the path's first touch
-- @path_length touches on the path
-- @position_from_end 1 for the path's last touch
-- @last_non_direct_position position of the last touch that is not direct, null where all are
-- @hours_before_end hours from the touch to the path's last touch
-- @hours_after_start hours from the path's first touch to the touch
with laid_out as (
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
    laid_out.outcome,
    laid_out.is_conversion,
    laid_out.user_key,
    laid_out.bucket,
    laid_out.happened_at,
    laid_out.touch as event_touch,
    touches.touch,
    touches.touched_at,
    touches.channel_key,
    channels.channel,
    touches.campaign,
    touches.interaction,
    -- Wide integers: a rule may reckon with them.
    cast(laid_out.position as bigint) as position,
    cast(laid_out.path_length as bigint) as path_length,
    cast(laid_out.path_length - laid_out.position + 1 as bigint) as position_from_end,
    case
        when laid_out.last_non_direct_touch = laid_out.first_touch then 1
        when laid_out.last_non_direct_touch > laid_out.last_touch - laid_out.path_length + 1
            then laid_out.last_non_direct_touch - laid_out.last_touch + laid_out.path_length
    end as last_non_direct_position,
    (epoch_us(laid_out.last_touched_at) - epoch_us(touches.touched_at)) / 3.6e9
        as hours_before_end,
    (epoch_us(touches.touched_at) - epoch_us(laid_out.first_touched_at)) / 3.6e9
        as hours_after_start
from laid_out
inner join journeys.touches as touches
    on laid_out.user_key = touches.user_key and laid_out.path_touch = touches.touch
inner join journeys.channels as channels on touches.channel_key = channels.channel_key
