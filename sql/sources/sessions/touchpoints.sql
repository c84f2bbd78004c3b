-- Touchpoints from a table of sessions with UTM parameters.
-- {sessions} a table or files with the columns below; user_id and started_at are required
--
-- Rename your columns in the first select. Without utm parameters the referrer decides; a visit
-- without both is direct.
with sessions as (
    -- The columns that are read; those that an export lacks are null.
    select user_id, started_at, cast(export as struct(
        user_id varchar, session_id varchar, utm_source varchar, utm_medium varchar, utm_campaign varchar,
        landing_page varchar, referrer varchar
    )) as visit
    from {sessions} as export
)

select
    user_id,
    started_at as touched_at,
    visit.utm_source as source,
    visit.utm_medium as medium,
    nullif(visit.utm_campaign, '') as campaign,
    visit.landing_page as click_ids,
    visit.referrer,
    visit.session_id as touchpoint_id
from sessions
