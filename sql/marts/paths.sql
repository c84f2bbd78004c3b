-- Paths of journeys that ended, with a conversion or without, and their conversion rate; the 10,000 most frequent of each outcome.
-- @outcome name of the outcome
-- @rank 1 for the path of the most journeys
-- @path channels in time order: a > b > c
-- @path_length touches on the path
-- @journeys journeys with this path that ended: by a conversion, or because nothing came within the lookback after the last touch
-- @conversions number of these that ended with a conversion
-- @conversion_rate conversions per journey, 0..1
-- @value value of the conversions, in the currency of the data; null if no conversion of the outcome has a value
with converted as (
    select outcome, user_key, converted_at, count(*) as conversions, sum(value) as value
    from journeys.conversions
    where path_length > 0
    group by outcome, user_key, converted_at
),

valued as (
    select outcome, count(value) > 0 as has_value from journeys.conversions group by outcome
),

ended as (
    select
        path_events.outcome,
        path_events.user_key,
        path_events.happened_at,
        path_events.is_conversion,
        path_events.touch,
        path_events.path_length,
        coalesce(converted.conversions, 0) as conversions,
        coalesce(converted.conversions, 1) as journeys,
        converted.value
    from journeys.path_events as path_events
    inner join evaluation.outcomes as outcomes on path_events.outcome = outcomes.outcome
    -- The times of landmarks are left out by a null: a condition on one side alone is no hash join.
    left join converted
        on path_events.outcome = converted.outcome
        and path_events.user_key = converted.user_key
        and case when path_events.is_conversion then path_events.happened_at end
        = converted.converted_at
    where path_events.path_length > 0
        and (
            path_events.is_conversion
            or (
                not path_events.converted
                and path_events.next_channel_key is null
                and path_events.happened_at <= outcomes.mature_until
            )
        )
),

with_path as (
    select
        ended.outcome,
        any_value(ended.path_length) as path_length,
        any_value(ended.journeys) as journeys,
        any_value(ended.conversions) as conversions,
        any_value(ended.value) as value,
        string_agg(path_touches.channel, ' > ' order by path_touches.position) as path
    from ended
    inner join journeys.path_touches as path_touches
        on ended.outcome = path_touches.outcome
        and ended.user_key = path_touches.user_key
        and ended.happened_at = path_touches.happened_at
        and ended.is_conversion = path_touches.is_conversion
        and ended.touch is not distinct from path_touches.event_touch
    group by
        ended.outcome, ended.user_key, ended.happened_at, ended.touch, ended.is_conversion
),

counted as (
    select
        outcome,
        path,
        any_value(path_length) as path_length,
        cast(sum(journeys) as bigint) as journeys,
        cast(sum(conversions) as bigint) as conversions,
        round(sum(value), 6) as value
    from with_path
    group by outcome, path
),

ranked as (
    select
        counted.outcome,
        row_number() over (
            partition by counted.outcome
            order by counted.journeys desc, counted.conversions desc, counted.path
        ) as rank,
        counted.path,
        counted.path_length,
        counted.journeys,
        counted.conversions,
        counted.conversions / counted.journeys as conversion_rate,
        case when valued.has_value then coalesce(counted.value, 0) end as value
    from counted
    inner join valued on counted.outcome = valued.outcome
)

select * from ranked where rank <= 10000 order by outcome, rank
