-- Touchpoints from Matomo's log of visits: one per visit.
-- {visits} the table log_visit, or files of its rows
--
-- Columns: https://developer.matomo.org/guides/database-schema; times are UTC.
-- referer_type is 1 direct, 2 search engine, 3 website, 6 campaign, 7 social network. Source and
-- medium of a campaign are known with the plugin Marketing Campaigns Reporting only; without it,
-- campaigns are Unassigned until channels.mapping names them ("* / * / spring*").
with visits as (
    -- The columns that are read; those that an export lacks are null.
    select idvisitor, unnest(cast(export as struct(
        idvisit varchar, visit_first_action_time varchar, referer_type varchar,
        referer_name varchar, referer_url varchar,
        campaign_name varchar, campaign_source varchar, campaign_medium varchar
    )))
    from {visits} as export
),

typed as (
    select
        *,
        try_cast(referer_type as integer) as kind,
        -- A visitor id is binary in the database, and its hexadecimal digits in exports.
        case
            when typeof(idvisitor) = 'BLOB' then lower(hex(idvisitor))
            else lower(cast(idvisitor as varchar))
        end as visitor
    from visits
)

select
    visitor as user_id,
    try_cast(visit_first_action_time as timestamptz) as touched_at,
    case kind
        when 2 then referer_name
        when 3 then coalesce(url_host(referer_url), referer_name)
        when 6 then coalesce(nullif(campaign_source, ''), '(not set)')
        when 7 then referer_name
    end as source,
    case kind
        when 2 then 'organic'
        when 3 then 'referral'
        when 6 then coalesce(nullif(campaign_medium, ''), '(not set)')
        when 7 then 'social'
    end as medium,
    case when kind = 6 then coalesce(nullif(campaign_name, ''), referer_name) end as campaign,
    cast(idvisit as varchar) as touchpoint_id
from typed
