-- Accepted spend: cost that is booked per day and not per contact; equal rows are separate bookings.
-- @date the day of the booking, UTC
-- @channel the marketing channel, trimmed
-- @campaign the campaign within the channel, null where unknown
-- @cost what was spent, in the currency of the data
--
-- Every row of raw.spend is returned once, with the reason to set it aside (null: none).
-- In raw, blank text and invalid days are null.
-- NaN sorts above infinity, so that one comparison finds both. Amounts are converted to the currency
-- $reporting, unless it is empty, at the rate of the day.
with spend as (
    select
        raw_rows.*,
        try_cast(raw_rows.cost as double) as amount,
        case
            when $reporting = '' or upper(raw_rows.currency) = $reporting then 1
            else rates.rate
        end as rate
    from raw.spend as raw_rows
    left join inputs.exchange_rates as rates
        on upper(raw_rows.currency) = rates.currency and raw_rows.date = rates.day
)

select
    date,
    channel,
    campaign,
    rate * amount as cost,
    source_row,
    case
        when date is null then 'invalid_date'
        when date > cast(local_time(cast($now as timestamp)) as date) then 'future_date'
        when channel is null then 'missing_channel'
        when cost is null then 'missing_cost'
        when amount is null then 'invalid_cost'
        when abs(amount) >= cast('infinity' as double) then 'not_finite_cost'
        when amount < 0 then 'negative_cost'
        when rate is null then
            case when currency is null then 'missing_currency' else 'unknown_currency' end
    end as reason
from spend
