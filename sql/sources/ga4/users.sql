-- Users from the BigQuery export of Google Analytics 4, with device, country and platform of their first event.
-- {events} the tables events_YYYYMMDD as Parquet or JSON files
--
-- Columns: https://support.google.com/analytics/answer/7029846
with events as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        user_pseudo_id varchar, event_timestamp bigint, platform varchar,
        device struct(category varchar), geo struct(country varchar)
    )))
    from (
        -- Other columns are not read.
        select columns(lambda c: lower(c) in (
            'user_pseudo_id', 'event_timestamp', 'platform', 'device', 'geo'
        )) from {events}
    ) as export
)

select
    user_pseudo_id as user_id,
    arg_min(device.category, event_timestamp) as device,
    arg_min(geo.country, event_timestamp) as country,
    arg_min(platform, event_timestamp) as platform
from events
where user_pseudo_id is not null
group by user_pseudo_id
