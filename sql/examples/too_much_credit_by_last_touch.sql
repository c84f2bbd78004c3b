-- Shows which channels last touch credits with more than the model to use does, for sure.
-- @outcome name of the outcome
-- @channel name of the channel
-- @too_many conversions by which last touch credits the channel with more
-- @too_many_low lower bound of the 95 % interval of that difference
-- @too_many_high upper bound of the 95 % interval of that difference
select
    differences.outcome,
    differences.channel,
    round(-differences.conversions, 1) as too_many,
    round(-differences.conversions_high, 1) as too_many_low,
    round(-differences.conversions_low, 1) as too_many_high
from mart.credit_differences as differences
inner join mart.model_to_use as to_use
    on differences.outcome = to_use.outcome and differences.model = to_use.model
where differences.reference = 'last_touch' and differences.conversions_high < 0
order by differences.outcome, too_many desc, differences.channel
