-- Touchpoints from Snowplow's unified sessions: one per session.
-- {sessions} the table snowplow_unified_sessions, or files of its rows
--
-- Columns: https://docs.snowplow.io/docs/modeling-your-data/modeling-your-data-with-dbt/dbt-models/dbt-unified-data-model/
-- The user is stitched_user_id where there is one. To keep Snowplow's own groups, select
-- default_channel_group as channel in addition.
with sessions as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        session_identifier varchar, user_identifier varchar, stitched_user_id varchar,
        start_tstamp varchar, first_page_url varchar,
        mkt_source varchar, mkt_medium varchar, mkt_campaign varchar,
        mkt_clickid varchar, mkt_network varchar,
        refr_medium varchar, refr_source varchar, refr_urlhost varchar
    )))
    from {sessions} as export
),

tagged as (
    select
        *,
        coalesce(nullif(mkt_source, ''), nullif(mkt_medium, ''), nullif(mkt_campaign, ''))
            is not null as is_tagged
    from sessions
)

select
    coalesce(nullif(stitched_user_id, ''), user_identifier) as user_id,
    try_cast(start_tstamp as timestamptz) as touched_at,
    case
        when is_tagged then nullif(mkt_source, '')
        when refr_medium in ('search', 'social') then coalesce(refr_source, refr_urlhost)
        when refr_medium <> 'internal' then refr_urlhost
    end as source,
    case
        when is_tagged then nullif(mkt_medium, '')
        when refr_medium = 'search' then 'organic'
        when refr_medium in ('social', 'email', 'paid') then refr_medium
        when refr_medium <> 'internal' then 'referral'
    end as medium,
    nullif(mkt_campaign, '') as campaign,
    concat_ws(
        ' ',
        case
            when nullif(mkt_clickid, '') is null then null
            when lower(mkt_network) = 'google' then 'gclid'
            when lower(mkt_network) = 'doubleclick' then 'dclid'
            when lower(mkt_network) in ('microsoft', 'bing') then 'msclkid'
        end,
        first_page_url
    ) as click_ids,
    session_identifier as touchpoint_id
from tagged
