-- Accepted spend: cost that is booked per day and not per contact; equal rows are separate bookings.
-- @date the day of the booking, UTC
-- @channel the marketing channel, trimmed
-- @campaign the campaign within the channel, null where unknown
-- @cost what was spent, in the currency of the data
--
-- Every row of raw.spend is returned once, with the reason to set it aside (null: none).
-- In raw, blank text and invalid days are null.
-- NaN sorts above infinity, so that one comparison finds both.
with spend as (
    select *, try_cast(cost as double) as amount
    from raw.spend
)

select
    date,
    channel,
    campaign,
    amount as cost,
    source_row,
    case
        when date is null then 'invalid_date'
        when date > cast($now as date) then 'future_date'
        when channel is null then 'missing_channel'
        when cost is null then 'missing_cost'
        when amount is null then 'invalid_cost'
        when abs(amount) >= cast('infinity' as double) then 'not_finite_cost'
        when amount < 0 then 'negative_cost'
    end as reason
from spend
