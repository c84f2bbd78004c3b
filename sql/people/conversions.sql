-- The conversions by person, over time; a person's history is repeated where more ids join.
-- @user_id the person
-- @converted_at when the conversion happened, UTC
-- @outcome which event it is
-- @value what it is worth, in the currency of the data; null is unknown
-- @conversion_id id of the event in the source, null where there is none
--
-- A pair counts for conversions at its instant and after it. All earlier conversions are history.
select
    coalesce(members.person, conversions.user_id) as user_id,
    conversions.* exclude (user_id)
from people.counted_conversions as conversions
left join people.members as members
    on conversions.user_id = members.user_id
    and 3 * epoch_us(conversions.converted_at) + 2 < members.until_key
