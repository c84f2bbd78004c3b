-- Accepted conversions: events that the business wants.
-- @user_id the user, as text
-- @converted_at when the conversion happened, UTC
-- @outcome which event it is, 'conversion' where the source has none
-- @value what it is worth, in the currency of the data; null is unknown
-- @conversion_id id of the event in the source, null where there is none
--
-- Every row of raw.conversions is returned once, with the reason to set it aside (null: none).
-- In raw, blank text and invalid times are null.
-- NaN sorts above infinity, so that one comparison finds both.
with conversions as (
    select *, try_cast(value as double) as amount
    from raw.conversions
)

select
    user_id,
    converted_at,
    coalesce(outcome, 'conversion') as outcome,
    amount as value,
    conversion_id,
    source_row,
    case
        when user_id is null then 'missing_user_id'
        when converted_at is null then 'invalid_converted_at'
        when converted_at > $now then 'future_converted_at'
        when converted_at > as_of then 'after_as_of'
        when value is not null and amount is null then 'invalid_value'
        when abs(amount) >= cast('infinity' as double) then 'not_finite_value'
    end as reason
from conversions
