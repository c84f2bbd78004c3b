-- The 1,000 paths with the most conversions of each outcome.
-- @outcome name of the outcome
-- @rank 1 for the path with the most conversions
-- @path channels in time order: a > b > c
-- @path_length touches on the path
-- @conversions number of conversions with this path
-- @value value of these conversions, in the currency of the data; null if no conversion of the outcome has a value
with paths as (
    select ended_paths.outcome, ended_paths.path, ended_paths.path_length, conversions.value
    from journeys.ended_paths as ended_paths
    inner join journeys.conversions as conversions
        on ended_paths.outcome = conversions.outcome
        and ended_paths.user_key = conversions.user_key
        and ended_paths.happened_at = conversions.converted_at
    where ended_paths.is_conversion
),

valued as (
    select outcome, count(value) > 0 as has_value from journeys.conversions group by outcome
),

counted as (
    select
        paths.outcome, paths.path, any_value(paths.path_length) as path_length,
        count(*) as conversions,
        case when valued.has_value then coalesce(round(sum(paths.value), 6), 0) end as value
    from paths
    inner join valued on paths.outcome = valued.outcome
    group by paths.outcome, paths.path, valued.has_value
),

ranked as (
    select
        outcome,
        row_number() over (partition by outcome order by conversions desc, path) as rank,
        path, path_length, conversions, value
    from counted
)

select * from ranked where rank <= 1000 order by outcome, rank
