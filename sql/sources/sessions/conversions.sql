-- Conversions from a table of orders.
-- {orders} a table or files with the columns below; user_id and ordered_at are required
with orders as (
    -- The columns that are read; those that an export lacks are null.
    select user_id, ordered_at, cast(export as struct(
        user_id varchar, order_id varchar, revenue varchar
    )) as bought
    from {orders} as export
)

select
    user_id,
    ordered_at as converted_at,
    'purchase' as outcome,
    nullif(bought.revenue, '') as value,
    nullif(bought.order_id, '') as conversion_id
from orders
