-- Lists the touches right before a milestone, a conversion of another outcome, on the way to an outcome.
-- @outcome name of the outcome
-- @user_key number of the user
-- @touch number of the user's last touch at or before the milestone
-- @reached_at time of the milestone, UTC; of several after one touch the first
with milestones as (
    select users.user_key, conversions.converted_at
    from people.conversions as conversions
    inner join journeys.users as users on conversions.user_id = users.user_id
    where conversions.outcome = $milestone
    group by users.user_key, conversions.converted_at
),

events as (
    select user_key, touched_at as happened_at, touch from journeys.touches
    union all
    select user_key, converted_at, null from milestones
),

-- A touch at the time of a conversion counts as before it.
with_last_touch as (
    select
        user_key,
        happened_at,
        touch is null as is_milestone,
        max(touch) over (
            partition by user_key order by happened_at, touch nulls last
            rows between unbounded preceding and current row
        ) as last_touch
    from events
)

select $outcome as outcome, user_key, last_touch as touch, min(happened_at) as reached_at
from with_last_touch
where is_milestone and last_touch is not null
group by user_key, last_touch
