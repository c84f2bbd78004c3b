-- Conversions with the path that leads to each; several at one instant share their path.
-- @conversion_key number of the conversion
-- @outcome name of the outcome
-- @user_key number of the user
-- @bucket bucket of the user
-- @converted_at instant of the conversion, UTC
-- @value value in the one currency, if any
-- @conversion_id the conversion as the source names it, if it does
-- @path_length touches on its path; 0 for a conversion that cannot be attributed
with pathed as (
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
    inner join inputs.conversions as conversions
        on users.user_id = conversions.user_id
        and path_events.happened_at = conversions.converted_at
        and path_events.outcome = conversions.outcome
    where path_events.is_conversion
),

-- Keys are counted within each bucket and go on from those before, so that nothing sorts all rows.
buckets as (
    select
        outcome,
        bucket,
        sum(count(*)) over (order by outcome, bucket) - count(*) as conversions_before
    from pathed
    group by outcome, bucket
)

select
    cast(buckets.conversions_before + row_number() over (
        partition by pathed.outcome, pathed.bucket
        order by pathed.user_key, pathed.happened_at,
            pathed.conversion_id nulls last, pathed.value nulls last
    ) as integer) as conversion_key,
    pathed.outcome,
    pathed.user_key,
    pathed.bucket,
    pathed.happened_at as converted_at,
    pathed.value,
    pathed.conversion_id,
    pathed.path_length
from pathed
inner join buckets on pathed.outcome = buckets.outcome and pathed.bucket = buckets.bucket
