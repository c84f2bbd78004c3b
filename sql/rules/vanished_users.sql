-- Finds users of the last run who have no row any more, though the data still covers the time of their last touch.
-- @user_id the user
--
-- inputs.rule_users has the key and the id of the users who may have vanished.
with present as (
    select user_id from inputs.touchpoints where user_id in (select user_id from inputs.rule_users)
    union
    select user_id from inputs.conversions where user_id in (select user_id from inputs.rule_users)
),

absent as (
    select users.user_key, users.user_id
    from inputs.rule_users as users
    left join present on users.user_id = present.user_id
    where present.user_id is null
),

last_touches as (
    select absent.user_id, max(touches.touched_at) as last_at
    from absent
    inner join journeys.touches as touches on absent.user_key = touches.user_key
    group by absent.user_id
)

select user_id
from last_touches
where last_at >= (select min(touched_at) from inputs.touchpoints)
