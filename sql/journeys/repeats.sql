-- Counts the conversions of one outcome that follow another of the user without a touch in between.
-- @conversions conversions with no touch since the previous one, but with earlier touches within the lookback
--
-- Touches before the previous conversion may earn these conversions, or nothing does.
with repeat_users as (
    select user_key
    from journeys.path_events
    where is_conversion and outcome = $outcome
    group by user_key
    having count(*) > 1
),

-- A touch at the time of a conversion counts as before it.
events as (
    select
        path_events.user_key,
        path_events.happened_at,
        path_events.is_conversion,
        max(case when not path_events.is_conversion then epoch_us(path_events.happened_at) end) over (
            partition by path_events.user_key
            order by path_events.happened_at, path_events.is_conversion
            rows between unbounded preceding and 1 preceding
        ) as touched_before_us,
        max(case when path_events.is_conversion then epoch_us(path_events.happened_at) end) over (
            partition by path_events.user_key
            order by path_events.happened_at, path_events.is_conversion
            rows between unbounded preceding and 1 preceding
        ) as converted_before_us
    from journeys.path_events as path_events
    inner join repeat_users on path_events.user_key = repeat_users.user_key
    where path_events.outcome = $outcome
)

select count(*) as conversions
from events
inner join journeys.conversions as conversions
    on events.user_key = conversions.user_key and events.happened_at = conversions.converted_at
where events.is_conversion
    and conversions.outcome = $outcome
    and events.touched_before_us <= events.converted_before_us
    and events.touched_before_us > epoch_us(events.happened_at) - $lookback_us
