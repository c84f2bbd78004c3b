-- Expands the path of each event to one row per touch, also where contacts have different lookbacks.
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
select
    outcome,
    is_conversion,
    user_key,
    bucket,
    happened_at,
    event_touch,
    touch,
    touched_at,
    channel_key,
    channel,
    campaign,
    interaction,
    position,
    path_length,
    position_from_end,
    last_non_direct_position,
    hours_before_end,
    hours_after_start
from journeys.contiguous_path_touches
where outcome not in (select outcome from journeys.interactions)
union all
select
    members.outcome,
    members.is_conversion,
    members.user_key,
    members.bucket,
    members.happened_at,
    members.event_touch,
    members.touch,
    members.touched_at,
    channels.channel_key,
    channels.channel,
    touches.campaign,
    touches.interaction,
    cast(members.position as bigint) as position,
    cast(members.path_length as bigint) as path_length,
    cast(members.path_length - members.position + 1 as bigint) as position_from_end,
    members.last_non_direct_position,
    (epoch_us(members.last_touched_at) - epoch_us(members.touched_at)) / 3.6e9 as hours_before_end,
    (epoch_us(members.touched_at) - epoch_us(members.first_touched_at)) / 3.6e9
        as hours_after_start
from journeys.path_members as members
inner join journeys.touches as touches
    on members.user_key = touches.user_key and members.touch = touches.touch
left join journeys.outcome_channels as chosen
    on members.outcome = chosen.outcome and touches.channel_key = chosen.channel_key
inner join journeys.channels as channels
    on coalesce(chosen.into_key, touches.channel_key) = channels.channel_key
