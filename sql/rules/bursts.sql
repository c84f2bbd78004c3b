-- Finds touches of users who have more than $threshold touches within a second, such as programs that open all links.
-- @user_id the user
-- @touched_at when it happened, UTC
-- @channel the marketing channel
-- @campaign the campaign, null where unknown
-- @interaction the kind of contact, null where unknown
-- @cost what the contact cost, null where unknown
-- @touchpoint_id id of the contact, null where there is none
with counted as (
    select
        *,
        epoch_us(touched_at) as at_us,
        count(*) over (
            partition by user_id order by epoch_us(touched_at)
            range between current row and 999999 following
        ) as within_a_second
    from inputs.rule_touches
),

in_bursts as (
    select
        *,
        max(within_a_second) over (
            partition by user_id order by at_us
            range between 999999 preceding and current row
        ) as in_burst
    from counted
)

select user_id, touched_at, channel, campaign, interaction, cost, touchpoint_id
from in_bursts
where in_burst > $threshold
