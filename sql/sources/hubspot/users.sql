-- Users from HubSpot contacts, with their lifecycle stage and country; merged contacts are left out.
-- {contacts} contacts as JSON lines, one object of the CRM API per line
--
-- Objects: https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide
with contacts as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        id varchar,
        properties struct(
            hs_merged_object_ids varchar, lifecyclestage varchar, country varchar,
            createdate varchar
        )
    )))
    from {contacts} as export
),

merged as (
    select trim(unnest(string_split(properties.hs_merged_object_ids, ';'))) as id from contacts
)

select
    cast(id as varchar) as user_id,
    properties.lifecyclestage as lifecycle_stage,
    properties.country as country
from contacts
where cast(id as varchar) not in (select id from merged)
