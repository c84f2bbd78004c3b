-- Pairs of browser and user from Segment's identify calls, with the time of the first.
-- {identifies} the table identifies of a source, or files of its rows; pages and tracks have the columns too
--
-- Columns: https://www.twilio.com/docs/segment/connections/storage/warehouses/schema
with identifies as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        anonymous_id varchar, user_id varchar, "timestamp" varchar
    )))
    from {identifies} as export
)

select
    anonymous_id,
    user_id,
    min(try_cast("timestamp" as timestamptz)) as seen_at
from identifies
where nullif(anonymous_id, '') is not null and nullif(user_id, '') is not null
group by anonymous_id, user_id
