-- Touchpoints from the BigQuery export of Google Analytics 4: one per session, and one per later change of source.
-- {events} the tables events_YYYYMMDD as Parquet or JSON files; the intraday tables repeat their rows
--
-- Columns: https://support.google.com/analytics/answer/7029846
-- Left out: nothing. Events without user_pseudo_id, as without consent, are set aside when loaded.
-- The source is the one that was collected with the event, not traffic_source, which is the source
-- of the user's first visit. A Google click id overrides "organic" when the table is loaded.
with events as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        user_pseudo_id varchar, event_timestamp bigint, event_name varchar,
        collected_traffic_source struct(
            manual_source varchar, manual_medium varchar, manual_campaign_name varchar,
            gclid varchar, dclid varchar
        ),
        event_params struct(
            "key" varchar,
            "value" struct(
                string_value varchar, int_value varchar, float_value varchar, double_value varchar
            )
        )[]
    )))
    from (
        -- Other columns are not read.
        select columns(lambda c: lower(c) in (
            'user_pseudo_id', 'event_timestamp', 'event_name', 'collected_traffic_source',
            'event_params'
        )) from {events}
    ) as export
),

with_params as (
    select
        user_pseudo_id,
        event_timestamp as at_us,
        -- Google adds these to the first event of a session, without its source.
        event_name in ('session_start', 'first_visit') as is_added,
        collected_traffic_source as collected,
        list_filter(event_params, lambda p: p.key = 'ga_session_id')[1].value as session,
        list_filter(event_params, lambda p: p.key = 'source')[1].value.string_value as param_source,
        list_filter(event_params, lambda p: p.key = 'medium')[1].value.string_value as param_medium,
        list_filter(event_params, lambda p: p.key = 'campaign')[1].value.string_value
            as param_campaign,
        list_filter(event_params, lambda p: p.key = 'page_location')[1].value.string_value
            as page_location
    from events
),

visits as (
    select
        user_pseudo_id,
        at_us,
        coalesce(is_added, false) as is_added,
        -- Unique within a user only: it is the second in which the session began.
        coalesce(session.int_value, session.string_value, 'event ' || at_us) as session_id,
        coalesce(collected.manual_source, param_source) as source,
        coalesce(collected.manual_medium, param_medium) as medium,
        coalesce(collected.manual_campaign_name, param_campaign) as campaign,
        concat_ws(
            ' ',
            case when collected.gclid <> '' then 'gclid' end,
            case when collected.dclid <> '' then 'dclid' end,
            page_location
        ) as click_ids
    from with_params
),

known as (
    select
        * replace (
            case when not is_unset(source) then source end as source,
            case when not is_unset(medium) then medium end as medium,
            -- (organic), (referral) and (direct) are not campaigns.
            case when campaign not like '(%)' then nullif(trim(campaign), '') end as campaign
        ),
        not is_unset(source)
            or not is_unset(medium)
            or (not is_added and paid_click(click_ids) is not null) as has_source
    from visits
),

in_time as (
    select
        *,
        row_number() over (
            partition by user_pseudo_id, session_id
            order by has_source desc, at_us, is_added, source nulls last, medium nulls last
        ) as number,
        lag((source, medium, campaign, paid_click(click_ids))) over (
            partition by user_pseudo_id, session_id
            order by has_source desc, at_us, is_added, source nulls last, medium nulls last
        ) as previous
    from known
)

select
    user_pseudo_id as user_id,
    make_timestamptz(at_us) as touched_at,
    source,
    medium,
    campaign,
    click_ids,
    user_pseudo_id || '.' || session_id || '.' || number as touchpoint_id
from in_time
where number = 1
    or (
        has_source
        and (source, medium, campaign, paid_click(click_ids)) is distinct from previous
        -- A later event on the landing page has its URL, but not the source again.
        and not (
            source is null and medium is null
            and paid_click(click_ids) is not distinct from struct_extract(previous, 4)
        )
    )
