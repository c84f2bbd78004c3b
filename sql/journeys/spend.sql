-- Spend with the name that its channel has in the touchpoints.
-- @date the day of the booking, UTC
-- @channel name of the channel in the touchpoints; the name in the spend where no touch has the channel
-- @booked_as name of the channel in the spend
-- @has_touches whether the channel has touches
-- @in_period whether the day is between the days of the first and the last touch
-- @cost what was spent, in the currency of the data
--
-- An equal name matches first. Otherwise case and blanks do not matter, unless several channels of
-- the touchpoints have the name then.
with named as (
    select
        channel,
        lower(regexp_replace(channel, '[\s\x0B\p{Z}\x{FEFF}]+', '', 'g')) as compact
    from journeys.channels
),

unambiguous as (
    select compact, min(channel) as channel from named group by compact having count(*) = 1
),

booked as (
    select
        date,
        channel,
        lower(regexp_replace(channel, '[\s\x0B\p{Z}\x{FEFF}]+', '', 'g')) as compact,
        cost
    from inputs.spend
),

period as (
    select
        cast(min(touched_at) as date) as first_day,
        cast(max(touched_at) as date) as last_day
    from journeys.touches
)

select
    booked.date,
    coalesce(named.channel, unambiguous.channel, booked.channel) as channel,
    booked.channel as booked_as,
    named.channel is not null or unambiguous.channel is not null as has_touches,
    coalesce(booked.date >= period.first_day and booked.date <= period.last_day, false)
        as in_period,
    booked.cost
from booked
cross join period
left join named on booked.channel = named.channel
left join unambiguous on booked.compact = unambiguous.compact
