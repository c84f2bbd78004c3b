-- Users from Snowplow's atomic events, with platform and country of their first event.
-- {events} the table atomic.events, or files of its rows
--
-- Columns: https://docs.snowplow.io/docs/fundamentals/canonical-event/
with events as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        domain_userid varchar, derived_tstamp varchar, platform varchar, geo_country varchar
    )))
    from (
        -- Other columns are not read.
        select columns(lambda c: lower(c) in (
            'domain_userid', 'derived_tstamp', 'platform', 'geo_country'
        )) from {events}
    ) as export
)

select
    domain_userid as user_id,
    arg_min(platform, try_cast(derived_tstamp as timestamptz)) as platform,
    arg_min(geo_country, try_cast(derived_tstamp as timestamptz)) as country
from events
where domain_userid is not null
group by domain_userid
