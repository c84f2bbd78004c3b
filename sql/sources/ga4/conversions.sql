-- Conversions from the BigQuery export of Google Analytics 4: purchases, their refunds, and leads.
-- {events} the tables events_YYYYMMDD as Parquet or JSON files; the intraday tables repeat their rows
--
-- Columns: https://support.google.com/analytics/answer/7029846
-- Add your key events to the list at the end: each name becomes an outcome.
-- The order id "(not set)" is none. Orders that are sent again, as when a page is reloaded, have the
-- same id and are counted once when loaded. A refund is negative, with the id of its order.
with events as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        user_pseudo_id varchar, event_timestamp bigint, event_name varchar,
        ecommerce struct(transaction_id varchar, purchase_revenue varchar, refund_value varchar),
        event_params struct(
            "key" varchar,
            "value" struct(
                string_value varchar, int_value varchar, float_value varchar, double_value varchar
            )
        )[]
    )))
    from (
        -- Other columns are not read.
        select columns(lambda c: lower(c) in (
            'user_pseudo_id', 'event_timestamp', 'event_name', 'ecommerce', 'event_params'
        )) from {events}
    ) as export
),

with_params as (
    select
        user_pseudo_id,
        event_timestamp as at_us,
        event_name,
        ecommerce,
        list_filter(event_params, lambda p: p.key = 'value')[1].value as param_value,
        list_filter(event_params, lambda p: p.key = 'transaction_id')[1].value as param_id
    from events
),

valued as (
    select
        *,
        try_cast(coalesce(
            case when event_name = 'refund' then ecommerce.refund_value
                else ecommerce.purchase_revenue end,
            param_value.double_value, param_value.float_value, param_value.int_value,
            param_value.string_value
        ) as double) as amount,
        coalesce(
            nullif(trim(ecommerce.transaction_id), ''), param_id.string_value, param_id.int_value
        ) as order_id
    from with_params
)

select
    user_pseudo_id as user_id,
    make_timestamptz(at_us) as converted_at,
    case event_name when 'refund' then 'purchase' else event_name end as outcome,
    case event_name when 'refund' then -abs(amount) else amount end as value,
    case when lower(trim(order_id)) not in ('', '(not set)') then order_id end as conversion_id
from valued
where event_name in ('purchase', 'refund', 'generate_lead', 'sign_up')
