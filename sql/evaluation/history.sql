-- The earliest landmarks that convert, by whole hours to the conversion: from these calendars are made.
-- @outcome name of the outcome
-- @happened_at instant of the landmark, UTC
-- @hours_to_conversion hours to the conversion
-- @conversions landmarks of the outcome that convert
with placed as (
    select
        outcome,
        happened_at,
        hours_to_next as hours_to_conversion,
        row_number() over (
            partition by outcome, floor(hours_to_next) order by happened_at
        ) as place,
        count(*) over (partition by outcome) as conversions
    from journeys.path_events
    where converted and user_key not in (select user_key from journeys.bot_like_users)
)

select outcome, happened_at, hours_to_conversion, conversions from placed where place <= $enough
