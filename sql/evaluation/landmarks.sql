-- The evaluation sample of one outcome: mature landmarks of users who are not bot-like, whole buckets, numbered by time.
-- @outcome name of the outcome
-- @landmark number of the landmark in the sample, from 0
-- @user_key number of the user
-- @bucket bucket of the user
-- @touch number of the touch within the user
-- @happened_at instant of the touch, UTC
-- @converted whether the next event is a conversion, within the lookback
-- @channel_key channel of the touch
-- @first_touch number of the path's first touch
-- @next_channel_key channel of the next touch where that is the next event, else -1
-- @path_length touches on the path
-- @hours_since_previous hours since the touch before on the path, -1 where there is none
-- @hours_since_first hours since the path's first touch
-- @hours_to_next hours to the next event, touch or conversion; the lookback where none comes within it
-- @has_converted whether the user has converted before
select
    outcome,
    cast(row_number() over (order by happened_at, user_key, touch) - 1 as integer) as landmark,
    user_key,
    bucket,
    touch,
    happened_at,
    converted,
    channel_key,
    first_touch,
    coalesce(next_channel_key, -1) as next_channel_key,
    path_length,
    coalesce(hours_since_previous, -1) as hours_since_previous,
    hours_since_first,
    hours_to_next,
    has_converted
from journeys.path_events
where outcome = $outcome
    and not is_conversion
    and happened_at <= $mature_until
    and bucket < $buckets
    and user_key not in (select user_key from journeys.bot_like_users)
