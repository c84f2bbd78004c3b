-- Conversions from Snowplow's unified conversions: each type is an outcome.
-- {conversions} the table snowplow_unified_conversions, or files of its rows
--
-- Columns: https://docs.snowplow.io/docs/modeling-your-data/modeling-your-data-with-dbt/dbt-models/dbt-unified-data-model/conversions/
with conversions as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        user_identifier varchar, stitched_user_id varchar, event_id varchar,
        cv_id varchar, cv_type varchar, cv_tstamp varchar, cv_value varchar
    )))
    from {conversions} as export
)

select
    coalesce(nullif(stitched_user_id, ''), user_identifier) as user_id,
    try_cast(cv_tstamp as timestamptz) as converted_at,
    cv_type as outcome,
    nullif(cv_value, '') as value,
    coalesce(nullif(cv_id, ''), event_id) as conversion_id
from conversions
