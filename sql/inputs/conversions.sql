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
--
-- A row with a refund and without a value is a refund, as one with a negative value is. A refund next to
-- a value is subtracted from it, down to 0. Amounts are converted to the currency $reporting, unless it is
-- empty, at the rate of the row's day.
with cast_rows as (
    select
        raw_rows.*,
        try_cast(raw_rows.value as double) as row_value,
        abs(try_cast(raw_rows.refund as double)) as refunded,
        case
            when $reporting = '' or upper(raw_rows.currency) = $reporting then 1
            else rates.rate
        end as rate
    from raw.conversions as raw_rows
    left join inputs.exchange_rates as rates
        on upper(raw_rows.currency) = rates.currency
        and cast(raw_rows.converted_at as date) = rates.day
),

conversions as (
    select
        *,
        rate * case
            when row_value is null and refunded > 0 then -refunded
            when row_value >= 0 and refunded > 0 then greatest(row_value - refunded, 0)
            else row_value
        end as amount
    from cast_rows
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
        when value is not null and row_value is null then 'invalid_value'
        when abs(row_value) >= cast('infinity' as double) then 'not_finite_value'
        when refund is not null and refunded is null then 'invalid_refund'
        when refunded >= cast('infinity' as double) then 'not_finite_refund'
        when rate is null and coalesce(row_value, refunded) is not null then
            case when currency is null then 'missing_currency' else 'unknown_currency' end
        when amount < 0 and conversion_id is null then 'refund_without_order'
    end as reason
from conversions
