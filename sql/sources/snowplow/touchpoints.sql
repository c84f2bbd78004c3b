-- Touchpoints from Snowplow's atomic events: one per session, and one per later change of source.
-- {events} the table atomic.events, or files of its rows
--
-- Columns: https://docs.snowplow.io/docs/fundamentals/canonical-event/
-- Left out: events that are no page or screen views. The user is the browser (domain_userid).
-- Marketing parameters count before the referrer; internal referrers do not count.
with events as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        event varchar, event_name varchar, event_id varchar, derived_tstamp varchar,
        domain_userid varchar, domain_sessionid varchar, page_url varchar,
        mkt_source varchar, mkt_medium varchar, mkt_campaign varchar,
        mkt_clickid varchar, mkt_network varchar,
        refr_medium varchar, refr_source varchar, refr_urlhost varchar
    )))
    from (
        -- Other columns are not read.
        select columns(lambda c: lower(c) in (
            'event', 'event_name', 'event_id', 'derived_tstamp', 'domain_userid', 'domain_sessionid',
            'page_url', 'mkt_source', 'mkt_medium', 'mkt_campaign', 'mkt_clickid', 'mkt_network',
            'refr_medium', 'refr_source', 'refr_urlhost'
        )) from {events}
    ) as export
),

views as (
    select
        event_id,
        domain_userid,
        coalesce(domain_sessionid, event_id) as session_id,
        try_cast(derived_tstamp as timestamptz) as viewed_at,
        coalesce(nullif(mkt_source, ''), nullif(mkt_medium, ''), nullif(mkt_campaign, ''))
            is not null as is_tagged,
        *
    from (
        select
            * replace (
                nullif(mkt_source, '') as mkt_source,
                nullif(mkt_medium, '') as mkt_medium,
                nullif(mkt_campaign, '') as mkt_campaign
            )
        from events
        where event = 'page_view' or event_name in ('page_view', 'screen_view')
    )
),

known as (
    select
        event_id,
        domain_userid,
        session_id,
        viewed_at,
        case
            when is_tagged then mkt_source
            when refr_medium in ('search', 'social') then coalesce(refr_source, refr_urlhost)
            when refr_medium <> 'internal' then refr_urlhost
        end as source,
        case
            when is_tagged then mkt_medium
            when refr_medium = 'search' then 'organic'
            when refr_medium in ('social', 'email', 'paid') then refr_medium
            when refr_medium <> 'internal' then 'referral'
        end as medium,
        mkt_campaign as campaign,
        concat_ws(
            ' ',
            case
                when nullif(mkt_clickid, '') is null then null
                when lower(mkt_network) = 'google' then 'gclid'
                when lower(mkt_network) = 'doubleclick' then 'dclid'
                when lower(mkt_network) in ('microsoft', 'bing') then 'msclkid'
            end,
            page_url
        ) as click_ids
    from views
),

in_time as (
    select
        *,
        source is not null or medium is not null or paid_click(click_ids) is not null as has_source,
        row_number() over in_session as number,
        lag((source, medium, campaign, paid_click(click_ids))) over in_session as previous
    from known
    window in_session as (
        partition by domain_userid, session_id
        order by
            source is null and medium is null and paid_click(click_ids) is null,
            viewed_at, event_id
    )
)

select
    domain_userid as user_id,
    viewed_at as touched_at,
    source,
    medium,
    campaign,
    click_ids,
    event_id as touchpoint_id
from in_time
where number = 1
    or (has_source and (source, medium, campaign, paid_click(click_ids)) is distinct from previous)
