-- Joins each conversion to its path; simultaneous conversions of a user share their path.
-- @conversion_key number of the conversion
-- @outcome name of the outcome
-- @user_key number of the user
-- @bucket bucket of the user
-- @conversion number of the conversion among those of the user and outcome, from 1
-- @converted_at time of the conversion, UTC
-- @value value in the currency of the data, null where unknown
-- @conversion_id id of the conversion in the source, null where unknown
-- @path_length touches on the path; 0 for a conversion that cannot be attributed
with with_path as (
    select
        path_events.outcome,
        path_events.user_key,
        path_events.bucket,
        path_events.happened_at,
        conversions.value,
        conversions.conversion_id,
        path_events.path_length
    from journeys.path_events as path_events
    inner join journeys.users as users on path_events.user_key = users.user_key
    inner join people.conversions as conversions
        on users.user_id = conversions.user_id
        and path_events.happened_at = conversions.converted_at
        and path_events.outcome = conversions.outcome
    where path_events.is_conversion
),

-- Keys are numbered within each bucket, after those of earlier buckets: no sort of all rows.
buckets as (
    select
        outcome,
        bucket,
        sum(count(*)) over (order by outcome, bucket) - count(*) as conversions_before
    from with_path
    group by outcome, bucket
)

select
    cast(buckets.conversions_before + row_number() over (
        partition by with_path.outcome, with_path.bucket
        order by with_path.user_key, with_path.happened_at,
            with_path.conversion_id nulls last, with_path.value nulls last
    ) as integer) as conversion_key,
    with_path.outcome,
    with_path.user_key,
    with_path.bucket,
    cast(row_number() over (
        partition by with_path.outcome, with_path.user_key
        order by with_path.happened_at, with_path.conversion_id nulls last,
            with_path.value nulls last
    ) as integer) as conversion,
    with_path.happened_at as converted_at,
    with_path.value,
    with_path.conversion_id,
    with_path.path_length
from with_path
inner join buckets
    on with_path.outcome = buckets.outcome and with_path.bucket = buckets.bucket
