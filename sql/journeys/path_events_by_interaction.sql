-- Lists the events of one outcome whose contacts have different lookbacks, like path_events.sql.
-- @outcome name of the outcome
-- @user_key number of the user
-- @bucket bucket of the user
-- @happened_at time of the touch or conversion, UTC
-- @is_conversion whether the event is a conversion; the others are landmarks
-- @touch number of the touch, null for a conversion
-- @channel_key channel of the touch, null for a conversion
-- @first_touch number of the path's first touch, null for an empty path
-- @last_touch number of the path's last touch, null for an empty path; touches between may not be on it
-- @last_non_direct_touch number of the last touch on the path that is not direct, null where there is none
-- @path_length touches on the path, 0 to 50; of more, the first and the 49 most recent are on it
-- @first_touched_at time of the path's first touch
-- @last_touched_at time of the path's last touch
-- @hours_since_previous hours since the previous touch on the path, null where there is none
-- @hours_since_first hours since the path's first touch
-- @converted whether the next event is a conversion before the whole path has expired
-- @hours_to_next hours from a landmark to the next event, touch or conversion; to the end of the path's lookbacks where none comes before
-- @next_channel_key channel of the next event, if that is a touch before the whole path has expired
-- @has_converted whether the user has converted before
with events as (
    select
        user_key,
        bucket,
        at_us,
        touch,
        max(channel_key) as channel_key,
        case when touch is null then at_us + $lookback_us else max(horizon_us) end as horizon_us
    from journeys.class_ranges
    group by user_key, bucket, at_us, touch
),

with_next as (
    select
        *,
        lead(at_us) over (partition by user_key order by at_us, touch nulls last) as next_at_us,
        lead(touch) over (partition by user_key order by at_us, touch nulls last) as next_touch,
        lead(channel_key) over (
            partition by user_key order by at_us, touch nulls last
        ) as next_channel_key,
        max(case when touch is null then at_us end) over (
            partition by user_key order by at_us, touch nulls last
            rows between unbounded preceding and 1 preceding
        ) as converted_before_us
    from events
),

paths as (
    select
        user_key,
        happened_at,
        event_touch,
        min(touch) as first_touch,
        max(touch) as last_touch,
        max(case when position = last_non_direct_position then touch end) as last_non_direct_touch,
        max(path_length) as path_length,
        min(first_touched_at) as first_touched_at,
        max(last_touched_at) as last_touched_at,
        max(case when position = path_length - 1 then touched_at end) as previous_touched_at
    from journeys.path_members
    where outcome = $outcome
    group by user_key, happened_at, event_touch
)

select
    $outcome as outcome,
    with_next.user_key,
    with_next.bucket,
    make_timestamp(with_next.at_us) as happened_at,
    with_next.touch is null as is_conversion,
    with_next.touch,
    with_next.channel_key,
    paths.first_touch,
    paths.last_touch,
    paths.last_non_direct_touch,
    cast(coalesce(paths.path_length, 0) as smallint) as path_length,
    paths.first_touched_at,
    paths.last_touched_at,
    case
        when with_next.touch is not null
            then (with_next.at_us - epoch_us(paths.previous_touched_at)) / 3.6e9
    end as hours_since_previous,
    (with_next.at_us - epoch_us(paths.first_touched_at)) / 3.6e9 as hours_since_first,
    coalesce(
        with_next.next_touch is null and with_next.next_at_us < with_next.horizon_us, false
    ) as converted,
    case
        when with_next.touch is not null
            then (least(with_next.next_at_us, with_next.horizon_us) - with_next.at_us) / 3.6e9
    end as hours_to_next,
    case when with_next.next_at_us < with_next.horizon_us then with_next.next_channel_key end
        as next_channel_key,
    with_next.converted_before_us is not null as has_converted
from with_next
left join paths
    on with_next.at_us = epoch_us(paths.happened_at)
    and with_next.user_key = paths.user_key
    and with_next.touch is not distinct from paths.event_touch
where not $first_only or with_next.converted_before_us is null
