-- Pairs of browser and user from Snowplow's atomic events, with the time of the first.
-- {events} the table atomic.events, or files of its rows
--
-- Columns: https://docs.snowplow.io/docs/fundamentals/canonical-event/
with events as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        domain_userid varchar, user_id varchar, derived_tstamp varchar
    )))
    from (
        -- Other columns are not read.
        select columns(lambda c: lower(c) in (
            'domain_userid', 'user_id', 'derived_tstamp'
        )) from {events}
    ) as export
)

select
    domain_userid as anonymous_id,
    user_id,
    min(try_cast(derived_tstamp as timestamptz)) as seen_at
from events
where nullif(domain_userid, '') is not null and nullif(user_id, '') is not null
group by domain_userid, user_id
