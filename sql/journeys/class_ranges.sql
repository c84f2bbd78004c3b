-- Finds, for each event of one outcome and each class of contacts with a lookback, the touches on its path.
-- @user_key number of the user
-- @bucket bucket of the user
-- @at_us time of the event, microseconds since 1970, UTC
-- @touch number of the touch, null for a conversion
-- @channel_key channel of the touch, null for a conversion
-- @class class of the contacts (journeys.interactions)
-- @first_number first touch on the path among the user's touches of the class, from 1
-- @last_number last of them
-- @size touches of the class on the path; 0 if the class is not on it
-- @horizon_us when the last touch of the class expires, microseconds since 1970; null where size is 0
--
-- Touches count by class: those so far, less those that have expired and, with $restarts, less those before
-- the previous conversion. All windows are sums in one order of time, so that no touch is joined to all others:
-- the end of the lookback of a touch is a row, too.
with conversions as (
    select users.user_key, users.bucket, epoch_us(conversions.converted_at) as at_us
    from people.conversions as conversions
    inner join journeys.users as users on conversions.user_id = users.user_id
    where conversions.outcome = $outcome
    group by users.user_key, users.bucket, conversions.converted_at
),

interactions as (
    select * from journeys.interactions where outcome = $outcome
),

classes as (
    select distinct class, lookback_us, priority from interactions
),

events as (
    select
        touches.user_key, touches.bucket, epoch_us(touches.touched_at) as at_us, touches.touch,
        coalesce(chosen.into_key, touches.channel_key) as channel_key,
        interactions.class as own_class
    from journeys.touches as touches
    inner join interactions on touches.interaction is not distinct from interactions.interaction
    left join journeys.outcome_channels as chosen
        on touches.channel_key = chosen.channel_key and chosen.outcome = $outcome
    where not coalesce(chosen.is_excluded, false)
    union all
    select user_key, bucket, at_us, null, null, null
    from conversions
),

by_class as (
    select
        events.*,
        classes.class,
        classes.lookback_us,
        classes.priority,
        coalesce(events.own_class = classes.class, false) as is_of_class,
        false as expires
    from events
    cross join classes
    union all
    select
        events.user_key, events.bucket, events.at_us + classes.lookback_us as at_us, null, null,
        events.own_class, classes.class, classes.lookback_us, classes.priority, false, true
    from events
    inner join classes on events.own_class = classes.class
),

counted as (
    select
        *,
        count(case when is_of_class then 1 end) over (
            partition by user_key, class order by at_us, touch nulls last
            rows between unbounded preceding and current row
        ) as last_number,
        max(case when is_of_class then at_us end) over (
            partition by user_key, class order by at_us, touch nulls last
            rows between unbounded preceding and current row
        ) as last_at_us,
        count(case when expires then 1 end) over (
            partition by user_key, class order by at_us
            range between unbounded preceding and current row
        ) as expired
    from by_class
),

-- A touch at the time of a conversion counts as before it: conversions sort last.
reset as (
    select
        *,
        coalesce(max(case when $restarts and touch is null then last_number end) over (
            partition by user_key, class order by at_us, touch nulls last
            rows between unbounded preceding and 1 preceding
        ), 0) as converted
    from counted
    where not expires
),

ranged as (
    select *, greatest(expired, converted) + 1 as first_number,
        last_number - greatest(expired, converted) as size
    from reset
),

ranked as (
    select
        *,
        min(case when size > 0 then priority end) over (
            partition by user_key, at_us, touch
        ) as path_priority,
        max(case when is_of_class then priority end) over (
            partition by user_key, at_us, touch
        ) as own_priority
    from ranged
)

select
    user_key,
    bucket,
    at_us,
    touch,
    channel_key,
    class,
    first_number,
    last_number,
    case when priority = path_priority then size else 0 end as size,
    case when size > 0 and priority = path_priority then last_at_us + lookback_us end as horizon_us
from ranked
-- A touch that is not on its own path, as an impression after a click, is no event.
where own_priority is null or own_priority = path_priority
