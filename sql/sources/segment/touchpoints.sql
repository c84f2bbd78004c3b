-- Touchpoints from Segment's page calls: pages with a campaign, with another site as referrer, or after a break.
-- {pages} the table pages of a source, or files of its rows
--
-- Columns: https://www.twilio.com/docs/segment/connections/storage/warehouses/schema
-- Left out: pages that follow within 30 minutes on a page of the same site. The user is the browser
-- (anonymous_id). A page after a break without campaign and referrer is direct.
with pages as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        id varchar, anonymous_id varchar, "timestamp" varchar,
        context_campaign_source varchar, context_campaign_medium varchar,
        context_campaign_name varchar, url varchar, referrer varchar,
        context_page_url varchar, context_page_referrer varchar
    )))
    from {pages} as export
),

views as (
    select
        id,
        anonymous_id,
        try_cast("timestamp" as timestamptz) as viewed_at,
        nullif(context_campaign_source, '') as source,
        nullif(context_campaign_medium, '') as medium,
        nullif(context_campaign_name, '') as campaign,
        coalesce(nullif(url, ''), context_page_url) as click_ids,
        coalesce(nullif(referrer, ''), nullif(context_page_referrer, '')) as referrer
    from pages
),

known as (
    select
        * replace (
            case when url_host(referrer) is distinct from url_host(click_ids) then referrer end
                as referrer
        ),
        lag(viewed_at) over (partition by anonymous_id order by viewed_at, id) as previous_at
    from views
)

select
    anonymous_id as user_id,
    viewed_at as touched_at,
    source,
    medium,
    campaign,
    click_ids,
    referrer,
    id as touchpoint_id
from known
where source is not null
    or medium is not null
    or paid_click(click_ids) is not null
    or url_host(referrer) is not null
    or previous_at is null
    or viewed_at - previous_at > interval 30 minutes
    or viewed_at is null
