-- Users from Matomo's log of visits, with the country of their first visit.
-- {visits} the table log_visit, or files of its rows
--
-- Columns: https://developer.matomo.org/guides/database-schema
with visits as (
    -- The columns that are read; those that an export lacks are null.
    select idvisitor, unnest(cast(export as struct(
        visit_first_action_time varchar, location_country varchar
    )))
    from {visits} as export
)

select
    case
        when typeof(idvisitor) = 'BLOB' then lower(hex(idvisitor))
        else lower(cast(idvisitor as varchar))
    end as user_id,
    arg_min(location_country, try_cast(visit_first_action_time as timestamptz)) as country
from visits
group by 1
