-- Finds touches that come within $threshold seconds after a touch of the same user, channel, campaign and kind.
-- @user_id the user
-- @touched_at when it happened, UTC
-- @channel the marketing channel
-- @campaign the campaign, null where unknown
-- @interaction the kind of contact, null where unknown
-- @cost what the contact cost, null where unknown
-- @touchpoint_id id of the contact, null where there is none
--
-- The first touch of a series stays. Equal rows are no near-duplicates: they are counted once anyway.
with in_order as (
    select
        *,
        lag(touched_at) over (
            partition by user_id, channel, campaign, interaction
            order by touched_at, cost nulls last, touchpoint_id nulls last
        ) as previous_at,
        lag(cost) over (
            partition by user_id, channel, campaign, interaction
            order by touched_at, cost nulls last, touchpoint_id nulls last
        ) as previous_cost,
        lag(touchpoint_id) over (
            partition by user_id, channel, campaign, interaction
            order by touched_at, cost nulls last, touchpoint_id nulls last
        ) as previous_id
    from inputs.rule_touches
)

select user_id, touched_at, channel, campaign, interaction, cost, touchpoint_id
from in_order
where epoch_us(touched_at) - epoch_us(previous_at) <= $threshold * 1000000
    and (
        touched_at > previous_at
        or cost is distinct from previous_cost
        or touchpoint_id is distinct from previous_id
    )
