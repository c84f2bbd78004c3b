-- Touchpoints from HubSpot contacts: the original and the latest source of each contact.
-- {contacts} contacts as JSON lines, one object of the CRM API per line
--
-- Objects: https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/guide, with the
-- properties named below. HubSpot keeps no other visits of a contact, so that paths have at most two
-- touches. Merged contacts are one user: the one that is left.
with contacts as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        id varchar,
        properties struct(
            hs_analytics_source varchar, hs_analytics_source_data_1 varchar,
            hs_analytics_source_data_2 varchar, hs_analytics_first_timestamp varchar,
            hs_latest_source varchar, hs_latest_source_data_1 varchar,
            hs_latest_source_data_2 varchar, hs_latest_source_timestamp varchar,
            hs_merged_object_ids varchar, createdate varchar
        )
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

sources as (
    select
        cast(id as varchar) as id,
        1 as number,
        coalesce(properties.hs_analytics_first_timestamp, properties.createdate) as touched_at,
        properties.hs_analytics_source as source,
        properties.hs_analytics_source_data_1 as data_1,
        properties.hs_analytics_source_data_2 as data_2
    from contacts
    union all
    select
        cast(id as varchar),
        2,
        properties.hs_latest_source_timestamp,
        properties.hs_latest_source,
        properties.hs_latest_source_data_1,
        properties.hs_latest_source_data_2
    from contacts
    where properties.hs_latest_source_timestamp
        is distinct from properties.hs_analytics_first_timestamp
)

select
    coalesce(final_ids.kept_id, sources.id) as user_id,
    try_cast(sources.touched_at as timestamptz) as touched_at,
    case sources.source
        when 'ORGANIC_SEARCH' then 'Organic Search'
        when 'PAID_SEARCH' then 'Paid Search'
        when 'PAID_SOCIAL' then 'Paid Social'
        when 'SOCIAL_MEDIA' then 'Organic Social'
        when 'EMAIL_MARKETING' then 'Email'
        when 'REFERRALS' then 'Referral'
        when 'AI_REFERRALS' then 'AI Referrals'
        when 'OTHER_CAMPAIGNS' then 'Other Campaigns'
        when 'DIRECT_TRAFFIC' then 'Direct'
        when 'OFFLINE' then 'Offline'
        else sources.source
    end as channel,
    case
        when sources.source in ('PAID_SEARCH', 'EMAIL_MARKETING', 'OTHER_CAMPAIGNS')
            then nullif(sources.data_1, '')
        when sources.source in ('PAID_SOCIAL', 'SOCIAL_MEDIA') then nullif(sources.data_2, '')
    end as campaign,
    sources.id || '.' || sources.number as touchpoint_id
from sources
left join final_ids on sources.id = final_ids.merged_id
where sources.source is not null
