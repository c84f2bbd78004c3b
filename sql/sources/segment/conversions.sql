-- Conversions from Segment's track calls: each event is an outcome.
-- {tracks} the table of an event, such as order_completed, which has values; or the table tracks, which has none
--
-- Columns: https://www.twilio.com/docs/segment/connections/storage/warehouses/schema and, of orders,
-- https://www.twilio.com/docs/segment/connections/spec/ecommerce/v2
-- Add your events to the list at the end. A refund is negative, with the id of its order.
with tracks as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        id varchar, anonymous_id varchar, "timestamp" varchar, event varchar,
        order_id varchar, revenue varchar, total varchar, "value" varchar
    )))
    from {tracks} as export
),

valued as (
    select
        *,
        coalesce(nullif(total, ''), nullif(revenue, ''), nullif("value", '')) as amount
    from tracks
)

select
    anonymous_id as user_id,
    try_cast("timestamp" as timestamptz) as converted_at,
    case event when 'order_refunded' then 'order_completed' else event end as outcome,
    case
        when event = 'order_refunded' then cast(-abs(try_cast(amount as double)) as varchar)
        else amount
    end as value,
    coalesce(nullif(order_id, ''), id) as conversion_id
from valued
where event in ('order_completed', 'order_refunded', 'signed_up')
