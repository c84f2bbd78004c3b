-- Conversions from Matomo's log of conversions: orders, and each goal as an outcome.
-- {conversions} the table log_conversion, or files of its rows
--
-- Columns: https://developer.matomo.org/guides/database-schema; times are UTC.
-- Left out: abandoned carts (idgoal -1). The order id is the conversion's id; a goal counts once per
-- visit, or more often where its setting says so (buster).
with conversions as (
    -- The columns that are read; those that an export lacks are null.
    select idvisitor, unnest(cast(export as struct(
        idvisit varchar, server_time varchar, idgoal varchar,
        idorder varchar, revenue varchar, buster varchar
    )))
    from {conversions} as export
)

select
    case
        when typeof(idvisitor) = 'BLOB' then lower(hex(idvisitor))
        else lower(cast(idvisitor as varchar))
    end as user_id,
    try_cast(server_time as timestamptz) as converted_at,
    case try_cast(idgoal as integer) when 0 then 'purchase' else 'goal_' || idgoal end as outcome,
    nullif(revenue, '') as value,
    case
        when try_cast(idgoal as integer) = 0 then nullif(idorder, '')
        else idvisit || '.' || idgoal || '.' || coalesce(buster, '0')
    end as conversion_id
from conversions
where try_cast(idgoal as integer) >= 0
