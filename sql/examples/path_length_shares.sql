-- Shows how many touches conversions need.
-- @outcome name of the outcome
-- @path_length touches on the path
-- @conversions number of conversions
-- @so_far_percent share of conversions with at most so many touches, percent
select
    outcome,
    path_length,
    conversions,
    round(100 * sum(share) over (partition by outcome order by path_length), 1) as so_far_percent
from mart.path_lengths
order by outcome, path_length
