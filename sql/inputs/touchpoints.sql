-- Accepted touchpoints: contacts of users with channels.
-- @user_id the user, as text
-- @touched_at when the contact happened, UTC
-- @channel the marketing channel, trimmed
-- @campaign the campaign within the channel, null where unknown
-- @interaction the kind of contact, such as click or impression, null where unknown
-- @cost what this one contact cost, in the currency of the data, null where unknown
-- @touchpoint_id id of the contact in the source, null where there is none
--
-- Every row of raw.touchpoints is returned once, with the reason to set it aside (null: none).
-- In raw, blank text and invalid times are null.
-- NaN sorts above infinity, so that one comparison finds both.
with touchpoints as (
    select *, try_cast(cost as double) as amount
    from raw.touchpoints
)

select
    user_id,
    touched_at,
    channel,
    campaign,
    interaction,
    amount as cost,
    touchpoint_id,
    source_row,
    case
        when user_id is null then 'missing_user_id'
        when touched_at is null then 'invalid_touched_at'
        when touched_at > $now then 'future_touched_at'
        when touched_at > as_of then 'after_as_of'
        when channel is null then 'missing_channel'
        when cost is not null and amount is null then 'invalid_cost'
        when abs(amount) >= cast('infinity' as double) then 'not_finite_cost'
        when amount < 0 then 'negative_cost'
    end as reason
from touchpoints
