-- Lists all users with a touchpoint or a conversion, with an integer key and a bucket.
-- @user_key number of the user, from a hash of the id; independent of other users
-- @user_id id of the user in the sources
-- @bucket 0..255, from a hash of the user's cluster, of the id without one; the resampling units of all intervals
with all_users as (
    select user_id from people.touchpoints
    union
    select user_id from people.conversions
),

digested as (
    -- md5 instead of the engine's hash: keys do not change with engine or version.
    select user_id, cast('0x' || substr(md5(cast(user_id as varchar)), 1, 15) as bigint) as digest
    from all_users
),

-- Users who share a digest, one pair among a billion users, are numbered within the digest.
collisions as (
    select digest from digested group by digest having count(*) > 1
),

numbered as (
    select
        digested.user_id,
        row_number() over (
            partition by digested.digest order by cast(digested.user_id as varchar)
        ) - 1 as number
    from digested
    inner join collisions on digested.digest = collisions.digest
)

select
    8 * digested.digest + coalesce(numbered.number, 0) as user_key,
    digested.user_id,
    cast(
        case
            when clusters.cluster is null then digested.digest >> 52
            else cast('0x' || substr(md5(clusters.cluster), 1, 2) as bigint)
        end as smallint
    ) as bucket
from digested
left join numbered on digested.user_id = numbered.user_id
left join journeys.clusters as clusters on digested.user_id = clusters.user_id
