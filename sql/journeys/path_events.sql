-- Lists the events of one outcome: every touch and every conversion, with its path and the next event.
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
-- @has_converted whether the user has converted before
--
-- With $first_only there are no events after a user's first conversion. With $restarts a path starts after
-- the user's previous conversion; otherwise conversions cut no path.
with conversions as (
    select users.user_key, users.bucket, epoch_us(conversions.converted_at) as at_us
    from people.conversions as conversions
    inner join journeys.users as users on conversions.user_id = users.user_id
    where conversions.outcome = $outcome
    group by users.user_key, users.bucket, conversions.converted_at
),

-- touch_and_kind is twice the number of the touch, plus one if it is direct: one window finds both.
-- It is null for a conversion.
events as (
    select
        user_key, bucket, epoch_us(touched_at) as at_us, channel_key,
        2 * touch + cast(is_direct as integer) as touch_and_kind
    from journeys.touches
    union all
    select user_key, bucket, at_us, null, null
    from conversions
),

-- A touch at the time of a conversion counts as before it: conversions sort last.
-- All windows share one sort and ignore conversions; where paths restart, they are cut below.
ordered as (
    select
        *,
        lead(at_us) over (
            partition by user_key order by at_us, touch_and_kind nulls last
        ) as next_at_us,
        lead(touch_and_kind) over (
            partition by user_key order by at_us, touch_and_kind nulls last
        ) as next_touch_and_kind,
        lead(channel_key) over (
            partition by user_key order by at_us, touch_and_kind nulls last
        ) as next_channel_key,
        max(case when touch_and_kind is not null then at_us end) over (
            partition by user_key order by at_us, touch_and_kind nulls last
            rows between unbounded preceding and 1 preceding
        ) as previous_touched_at_us,
        max(touch_and_kind) over (
            partition by user_key order by at_us, touch_and_kind nulls last
            rows between unbounded preceding and 1 preceding
        ) as previous_touch_and_kind,
        max(case when touch_and_kind % 2 = 0 then touch_and_kind end) over (
            partition by user_key order by at_us, touch_and_kind nulls last
            rows between unbounded preceding and current row
        ) as last_non_direct_and_kind,
        max(case when touch_and_kind is null then at_us end) over (
            partition by user_key order by at_us, touch_and_kind nulls last
            rows between unbounded preceding and 1 preceding
        ) as converted_before_us,
        min(touch_and_kind) over (
            partition by user_key order by at_us
            range between $lookback_us - 1 preceding and current row
        ) as within_touch_and_kind,
        min(case when touch_and_kind is not null then at_us end) over (
            partition by user_key order by at_us
            range between $lookback_us - 1 preceding and current row
        ) as within_at_us
    from events
),

-- A conversion resets the path: the next one starts with the touch right after it, if there is one.
resets as (
    select
        user_key,
        at_us as converted_before_us,
        next_at_us as first_at_us,
        next_touch_and_kind as first_touch_and_kind
    from ordered
    where $restarts and touch_and_kind is null
),

on_path as (
    select
        ordered.*,
        case
            when $restarts and ordered.converted_before_us > ordered.at_us - $lookback_us
                then first_touch_and_kind
            else within_touch_and_kind
        end as first_touch_and_kind,
        case
            when $restarts and ordered.converted_before_us > ordered.at_us - $lookback_us
                then first_at_us
            else within_at_us
        end as first_at_us
    from ordered
    left join resets
        on ordered.user_key = resets.user_key
        and ordered.converted_before_us = resets.converted_before_us
),

decoded as (
    select
        *,
        touch_and_kind is null as is_conversion,
        touch_and_kind >> 1 as touch,
        first_touch_and_kind >> 1 as first_touch,
        first_touch_and_kind % 2 = 1 as first_is_direct,
        last_non_direct_and_kind >> 1 as last_non_direct,
        case
            when first_touch_and_kind is not null
                then coalesce(touch_and_kind, previous_touch_and_kind) >> 1
        end as last_touch,
        case
            when first_touch_and_kind is null then null
            when touch_and_kind is null then previous_touched_at_us
            else at_us
        end as last_at_us
    from on_path
)

select
    $outcome as outcome,
    user_key,
    bucket,
    make_timestamp(at_us) as happened_at,
    is_conversion,
    touch,
    channel_key,
    first_touch,
    last_touch,
    -- On a path of more than 50, only the first and the 49 most recent touches count.
    case
        when last_non_direct >= first_touch and last_non_direct > last_touch - 49
            then last_non_direct
        when not first_is_direct then first_touch
    end as last_non_direct_touch,
    -- Empty paths are handled first because least() ignores nulls.
    cast(
        case when first_touch is null then 0 else least(last_touch - first_touch + 1, 50) end
        as smallint
    ) as path_length,
    case when first_touch is not null then make_timestamp(first_at_us) end as first_touched_at,
    make_timestamp(last_at_us) as last_touched_at,
    -- Touches are numbered in time order: the previous one is on the path unless it is before the first.
    case when touch - 1 >= first_touch then (at_us - previous_touched_at_us) / 3.6e9 end
        as hours_since_previous,
    case when first_touch is not null then (at_us - first_at_us) / 3.6e9 end as hours_since_first,
    coalesce(next_touch_and_kind is null and next_at_us - at_us < $lookback_us, false)
        as converted,
    case
        when is_conversion then null
        when next_at_us - at_us < $lookback_us then (next_at_us - at_us) / 3.6e9
        else $lookback_us / 3.6e9
    end as hours_to_next,
    case when next_at_us - at_us < $lookback_us then next_channel_key end as next_channel_key,
    converted_before_us is not null as has_converted
from decoded
where not $first_only or converted_before_us is null
