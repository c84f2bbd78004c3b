-- Spend from Meta ads (Facebook, Instagram): cost by day and campaign.
-- {insights} insights of campaigns with time_increment=1, one object per line
--
-- Fields: https://developers.facebook.com/docs/marketing-api/insights. Rows by platform or age are
-- summed up. Rows of several days have no date and are set aside when loaded. Conversions that Meta
-- reports (the nested actions, by click or by view) are not read: outcomes come from your data.
with insights as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        date_start varchar, date_stop varchar,
        campaign_id varchar, campaign_name varchar, spend varchar
    )))
    from {insights} as export
)

select
    case when date_start = date_stop then try_cast(date_start as date) end as date,
    'facebook' as source,
    'paid' as medium,
    coalesce(nullif(campaign_name, ''), cast(campaign_id as varchar)) as campaign,
    sum(try_cast(spend as double)) as cost
from insights
group by all
