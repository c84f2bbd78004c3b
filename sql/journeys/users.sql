-- Everyone who was touched or who converted, with an integer key and a bucket.
-- @user_key number of the user, from the hash of the id: it depends on no other user, and a bucket is one range of keys
-- @user_id the user as the sources name them
-- @bucket 0..255, from the same hash: users in bulk, the unit of every error bar
with everyone as (
    select user_id from inputs.touchpoints
    union
    select user_id from inputs.conversions
),

digested as (
    -- md5, not the engine's own hash: the number of a user never changes with engine or version.
    select user_id, cast('0x' || substr(md5(cast(user_id as varchar)), 1, 15) as bigint) as digest
    from everyone
),

-- Of those who share a digest, which takes a billion users to happen, each has a turn of its own.
shared as (
    select digest from digested group by digest having count(*) > 1
),

turns as (
    select
        digested.user_id,
        row_number() over (
            partition by digested.digest order by cast(digested.user_id as varchar)
        ) - 1 as turn
    from digested
    inner join shared on digested.digest = shared.digest
)

select
    8 * digested.digest + coalesce(turns.turn, 0) as user_key,
    digested.user_id,
    cast(digested.digest >> 52 as smallint) as bucket
from digested
left join turns on digested.user_id = turns.user_id
