-- Everyone who was touched or who converted, with an integer key and a bucket.
-- @user_key number of the user: buckets in order, so that a bucket is one range of keys
-- @user_id the user as the sources name them
-- @bucket 0..255, from the hash of the id: users in bulk, the unit of every error bar
with everyone as (
    select user_id from contract.touchpoints
    union
    select user_id from contract.conversions
),

digested as (
    -- md5, not the engine's own hash: the bucket of a user never changes with engine or version.
    select user_id, md5(cast(user_id as varchar)) as digest from everyone
),

bucketed as (
    select
        user_id,
        16 * (instr('0123456789abcdef', substr(digest, 1, 1)) - 1)
            + instr('0123456789abcdef', substr(digest, 2, 1)) - 1 as bucket
    from digested
),

-- Keys are counted within each bucket and go on from those before, so that nothing sorts all users.
buckets as (
    select bucket, sum(count(*)) over (order by bucket) - count(*) as users_before
    from bucketed
    group by bucket
)

select
    cast(buckets.users_before + row_number() over (
        partition by bucketed.bucket order by cast(bucketed.user_id as varchar)
    ) as integer) as user_key,
    bucketed.user_id,
    cast(bucketed.bucket as smallint) as bucket
from bucketed
inner join buckets on bucketed.bucket = buckets.bucket
