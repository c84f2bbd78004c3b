-- Spend from Google Ads: cost by day, channel and campaign.
-- {report} a report of campaigns by day: segments_date, campaign_name, campaign_advertising_channel_type, metrics_cost_micros
--
-- Fields: https://developers.google.com/google-ads/api/fields/v21/campaign, with _ for the dot, as in
-- the tables of the BigQuery Data Transfer Service. Cost is in millionths of the account's currency.
-- The channel follows the type of the campaign, as in GA4's default groups. Rows by device or network
-- are summed up. Conversions that Google reports are not read.
with report as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        segments_date varchar, campaign_id varchar, campaign_name varchar,
        campaign_advertising_channel_type varchar, metrics_cost_micros varchar
    )))
    from {report} as export
)

select
    try_cast(segments_date as date) as date,
    case campaign_advertising_channel_type
        when 'SEARCH' then 'Paid Search'
        when 'DISPLAY' then 'Display'
        when 'SHOPPING' then 'Paid Shopping'
        when 'VIDEO' then 'Paid Video'
        when 'PERFORMANCE_MAX' then 'Cross-network'
        when 'DEMAND_GEN' then 'Cross-network'
        when 'DISCOVERY' then 'Cross-network'
        when 'SMART' then 'Cross-network'
        when 'MULTI_CHANNEL' then 'Cross-network'
    end as channel,
    'google' as source,
    'cpc' as medium,
    coalesce(nullif(campaign_name, ''), cast(campaign_id as varchar)) as campaign,
    sum(try_cast(metrics_cost_micros as decimal(24, 0))) / 1e6 as cost
from report
group by all
