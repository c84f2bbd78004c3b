-- The earliest converting landmarks by whole hours to their conversion: what a calendar must know of them.
-- @outcome name of the outcome
-- @happened_at instant of the landmark, UTC
-- @hours_to_conversion hours to the conversion
-- @conversions how many converting landmarks the outcome has in all
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
    where converted
)

select outcome, happened_at, hours_to_conversion, conversions from placed where place <= $enough
