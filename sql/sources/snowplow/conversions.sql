-- Conversions from Snowplow's atomic events: transactions of the e-commerce plugin or of the old tracker.
-- {events} the table atomic.events, or files of its rows
--
-- Columns: https://docs.snowplow.io/docs/fundamentals/canonical-event/ and, of the plugin,
-- https://docs.snowplow.io/docs/events/ootb-data/ecommerce-events/
-- Snowplow delivers an event at least once: orders with the same id are counted once when loaded.
-- For another outcome, add a select with your event_name.
with events as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        event varchar, event_id varchar, derived_tstamp varchar, domain_userid varchar,
        tr_orderid varchar, tr_total varchar,
        unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1
            struct("type" varchar),
        contexts_com_snowplowanalytics_snowplow_ecommerce_transaction_1
            struct(transaction_id varchar, revenue varchar)[]
    )))
    from (
        -- Other columns are not read.
        select columns(lambda c: lower(c) in (
            'event', 'event_id', 'derived_tstamp', 'domain_userid', 'tr_orderid', 'tr_total',
            'unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1',
            'contexts_com_snowplowanalytics_snowplow_ecommerce_transaction_1'
        )) from {events}
    ) as export
),

orders as (
    select
        event_id,
        domain_userid,
        derived_tstamp,
        event = 'transaction' as is_old,
        tr_orderid,
        tr_total,
        contexts_com_snowplowanalytics_snowplow_ecommerce_transaction_1[1] as bought
    from events
    where event = 'transaction'
        or unstruct_event_com_snowplowanalytics_snowplow_ecommerce_snowplow_ecommerce_action_1.type
        = 'transaction'
)

select
    domain_userid as user_id,
    try_cast(derived_tstamp as timestamptz) as converted_at,
    'purchase' as outcome,
    case when is_old then tr_total else bought.revenue end as value,
    coalesce(nullif(case when is_old then tr_orderid else bought.transaction_id end, ''), event_id)
        as conversion_id
from orders
