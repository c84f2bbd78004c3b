
select customer as user_id, ordered_at as converted_at, total as value, id as conversion_id
from crm.orders
