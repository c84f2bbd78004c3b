-- Shows the paths that at least 30 journeys took, with their conversion rate, the highest first.
-- @outcome name of the outcome
-- @path channels in time order
-- @journeys journeys with this path that ended, with a conversion or without
-- @conversions number of these with a conversion
-- @rate_percent conversions per journey, percent
select outcome, path, journeys, conversions, round(100 * conversion_rate, 2) as rate_percent
from mart.paths
where journeys >= 30
order by outcome, conversion_rate desc, path
