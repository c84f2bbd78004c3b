-- The path events without those of the history of joined users, and with the next event of touches before a join.
-- @outcome name of the outcome
-- @user_key number of the user
-- @bucket bucket of the user
-- @happened_at time of the touch or conversion, UTC
-- @is_conversion whether the event is a conversion; the others are landmarks
-- @touch number of the touch, null for a conversion
-- @channel_key channel of the touch, null for a conversion
-- @first_touch number of the path's first touch, null for an empty path
-- @last_touch number of the path's last touch, null for an empty path
-- @last_non_direct_touch number of the last touch on the path that is not direct, null where there is none
-- @path_length touches on the path, 0 to 50; of more, the first and the 49 most recent are on it
-- @first_touched_at time of the path's first touch
-- @last_touched_at time of the path's last touch
-- @hours_since_previous hours since the previous touch on the path, null where there is none
-- @hours_since_first hours since the path's first touch
-- @converted whether the next event is a conversion within the lookback
-- @hours_to_next hours from a landmark to the next event, touch or conversion; the lookback where none comes within it
-- @next_channel_key channel of the next event, if that is a touch within the lookback
--
-- A row of journeys.next_events replaces what the event knows about the next one.
select
    path_events.outcome,
    path_events.user_key,
    path_events.bucket,
    path_events.happened_at,
    path_events.is_conversion,
    path_events.touch,
    path_events.channel_key,
    path_events.first_touch,
    path_events.last_touch,
    path_events.last_non_direct_touch,
    path_events.path_length,
    path_events.first_touched_at,
    path_events.last_touched_at,
    path_events.hours_since_previous,
    path_events.hours_since_first,
    case when found.touch is not null then found.converted else path_events.converted end as converted,
    case when found.touch is not null then found.hours_to_next else path_events.hours_to_next end
        as hours_to_next,
    case when found.touch is not null then found.next_channel_key else path_events.next_channel_key end
        as next_channel_key,
    path_events.has_converted
from journeys.path_events as path_events
inner join journeys.users as users on path_events.user_key = users.user_key
left join people.nodes as nodes on users.user_id = nodes.person
left join journeys.next_events as found
    on path_events.outcome = found.outcome
    and path_events.user_key = found.user_key
    and path_events.touch = found.touch
    and not path_events.is_conversion
where nodes.person is null
    or 3 * epoch_us(path_events.happened_at)
    + case when path_events.is_conversion then 2 else 0 end >= nodes.start_key
