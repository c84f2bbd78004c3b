-- Pairs of browser or app and user from the BigQuery export of Google Analytics 4, with the time of the first.
-- {events} the tables events_YYYYMMDD as Parquet or JSON files
--
-- Columns: https://support.google.com/analytics/answer/7029846
-- The site must set the User-ID of Google Analytics; without it there are no pairs.
with events as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        user_pseudo_id varchar, user_id varchar, event_timestamp bigint
    )))
    from (
        -- Other columns are not read.
        select columns(lambda c: lower(c) in (
            'user_pseudo_id', 'user_id', 'event_timestamp'
        )) from {events}
    ) as export
)

select
    user_pseudo_id as anonymous_id,
    user_id,
    make_timestamptz(min(event_timestamp)) as seen_at
from events
where nullif(user_pseudo_id, '') is not null and nullif(user_id, '') is not null
group by user_pseudo_id, user_id
