-- Spend from LinkedIn ads: cost by day and campaign.
-- {analytics} the elements of adAnalytics by campaign and day (pivot=CAMPAIGN, timeGranularity=DAILY), one per line
--
-- Fields: https://learn.microsoft.com/en-us/linkedin/marketing/integrations/ads-reporting/ads-reporting
-- The campaign is its id, the end of the URN. Rows of several days have no date and are set aside
-- when loaded. Conversions that LinkedIn reports, after a click or a view, are not read.
with analytics as (
    -- The columns that are read; those that an export lacks are null.
    select unnest(cast(export as struct(
        daterange struct(
            "start" struct("year" integer, "month" integer, "day" integer),
            "end" struct("year" integer, "month" integer, "day" integer)
        ),
        pivotvalues varchar[], costinlocalcurrency varchar, costinusd varchar
    )))
    from {analytics} as export
)

select
    case
        when daterange.start = daterange.end
            then make_date(daterange.start.year, daterange.start.month, daterange.start.day)
    end as date,
    'linkedin' as source,
    'paid' as medium,
    regexp_extract(pivotvalues[1], '([^:]+)$', 1) as campaign,
    sum(try_cast(coalesce(costinlocalcurrency, costinusd) as double)) as cost
from analytics
group by all
