-- The touchpoints by person, over time; a person's history is repeated where more ids join.
-- @user_id the person
-- @touched_at when the contact happened, UTC
-- @channel the marketing channel
-- @campaign the campaign within the channel, null where unknown
-- @interaction the kind of contact, null where unknown
-- @cost what this one contact cost, in the currency of the data, null where unknown
-- @touchpoint_id id of the contact in the source, null where there is none
-- @joined_id id of the user in the source; equal touches of different ids are different touches
--
-- A pair counts for touches after it: at the same instant, the touch is first.
select
    coalesce(members.person, touchpoints.user_id) as user_id,
    touchpoints.* exclude (user_id),
    touchpoints.user_id as joined_id
from inputs.touchpoints as touchpoints
left join people.members as members
    on touchpoints.user_id = members.user_id
    and 3 * epoch_us(touchpoints.touched_at) >= members.from_key
    and 3 * epoch_us(touchpoints.touched_at) < members.until_key
