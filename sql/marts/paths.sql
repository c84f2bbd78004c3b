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

-- Only paths that end with a conversion are joined: most end without one.
ended as (
    select
        paths.outcome, paths.path, paths.path_length, converted.conversions,
        converted.conversions as journeys, converted.value
    from journeys.ended_paths as paths
    inner join converted
        on paths.outcome = converted.outcome
        and paths.user_key = converted.user_key
        and paths.happened_at = converted.converted_at
    where paths.is_conversion
    union all
    select
        paths.outcome, paths.path, paths.path_length, 0 as conversions, 1 as journeys,
        null as value
    from journeys.ended_paths as paths
    inner join evaluation.outcomes as outcomes on paths.outcome = outcomes.outcome
    where not paths.is_conversion and paths.happened_at <= outcomes.mature_until
),

counted as (
    select
        outcome,
        path,
        any_value(path_length) as path_length,
        cast(sum(journeys) as bigint) as journeys,
        cast(sum(conversions) as bigint) as conversions,
        round(sum(value), 6) as value
    from ended
    group by outcome, path
),

-- With so many journeys, a path may be among the 10,000: others need not be sorted.
limits as (
    select outcome, max(journeys) as journeys
    from (
        select
            outcome, journeys,
            sum(count(*)) over (partition by outcome order by journeys desc) as paths
        from counted
        group by outcome, journeys
    ) as by_journeys
    where paths >= 10000
    group by outcome
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
    left join limits on counted.outcome = limits.outcome
    where counted.journeys >= coalesce(limits.journeys, 0)
)

select * from ranked where rank <= 10000 order by outcome, rank
