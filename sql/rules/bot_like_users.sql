-- Finds users with more touches than people make: more than $most within half a year, more than $most_alike if nearly all are on one channel, or more than $threshold within a day.
-- @user_id the user
--
-- $most is a hundred, or 25 times the touches of the median user if that is more; $most_alike is 50,
-- or ten times, for users with at least the share $share of their touches on one channel. The rule
-- depends on touches alone, never on conversions.
with candidates as (
    select user_id, max(on_channel) >= $share * sum(on_channel) as is_alike
    from (
        select user_id, channel, count(*) as on_channel
        from inputs.rule_touches
        group by user_id, channel
    ) as by_channel
    group by user_id
    having sum(on_channel) > $fewest
),

numbered as (
    select
        touches.user_id,
        candidates.is_alike,
        epoch_us(touches.touched_at) as at_us,
        row_number() over (partition by touches.user_id order by touches.touched_at) as touch
    from inputs.rule_touches as touches
    inner join candidates on touches.user_id = candidates.user_id
)

select distinct later.user_id
from numbered as later
left join numbered as of_most
    on later.user_id = of_most.user_id
    and later.touch - case when later.is_alike then $most_alike else $most end = of_most.touch
left join numbered as of_day
    on later.user_id = of_day.user_id and later.touch - $threshold = of_day.touch
where later.at_us - of_most.at_us <= $window_us or later.at_us - of_day.at_us <= 86400000000
