-- Conversions from HubSpot deals: the first time that a deal enters a stage; each stage is an outcome.
-- {deals} deals as JSON lines, one object of the CRM API per line, with the history of dealstage and the contacts
-- {contacts} contacts as JSON lines, for the ids of merged contacts
--
-- Objects: https://developers.hubspot.com/docs/api-reference/crm-deals-v3/guide, read with
-- propertiesWithHistory=dealstage and associations=contacts. The user is the deal's oldest contact,
-- the one with the lowest id, so that a deal counts once.
-- Left out: archived deals and the stage closedlost; add the lost stages of your other pipelines.
-- Deals without a contact are set aside when loaded.
with deals as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        id varchar, archived boolean,
        properties struct(amount varchar, dealstage varchar, closedate varchar),
        propertieswithhistory struct(dealstage struct("value" varchar, "timestamp" varchar)[]),
        associations struct(contacts struct(results struct(id varchar)[]))
    )))
    from {deals} as export
),

contacts as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        id varchar, properties struct(hs_merged_object_ids varchar, createdate varchar)
    )))
    from {contacts} as export
),

merges as (
    select
        trim(unnest(string_split(properties.hs_merged_object_ids, ';'))) as merged_id,
        cast(id as varchar) as kept_id
    from contacts
),

final_ids as (
    select merged_id, min(kept_id) as kept_id
    from merges
    where merged_id <> '' and kept_id not in (select merged_id from merges)
    group by merged_id
),

stages as (
    select id, properties, associations, unnest(propertieswithhistory.dealstage) as stage
    from deals
    where not coalesce(archived, false)
    union all
    -- Without the history, only won deals are known, with the day on which they were closed.
    select
        id, properties, associations,
        {'value': properties.dealstage, 'timestamp': properties.closedate}
    from deals
    where propertieswithhistory.dealstage is null
        and properties.dealstage = 'closedwon'
        and not coalesce(archived, false)
),

entered as (
    select
        cast(id as varchar) as deal_id,
        stage.value as stage,
        min(try_cast(stage.timestamp as timestamptz)) as entered_at,
        any_value(properties.amount) as amount,
        any_value(list_sort(list_transform(
            associations.contacts.results, lambda c: try_cast(c.id as bigint)
        ))[1]) as contact_id
    from stages
    where stage.value <> 'closedlost'
    group by id, stage.value
)

select
    coalesce(final_ids.kept_id, cast(entered.contact_id as varchar)) as user_id,
    entered.entered_at as converted_at,
    entered.stage as outcome,
    nullif(entered.amount, '') as value,
    entered.deal_id || '/' || entered.stage as conversion_id
from entered
left join final_ids on cast(entered.contact_id as varchar) = final_ids.merged_id
