-- The share of the cost of every channel that each outcome is charged with.
-- @outcome name of the outcome
-- @cost_share 1 where it is charged in full, null where it has no cost; outcomes that share by value add up to 1
with valued as (
    select
        conversions.outcome,
        coalesce(rules.cost, 'full') as cost,
        greatest(coalesce(round(sum(conversions.value), 6), 0), 0) as value
    from journeys.conversions as conversions
    left join evaluation.cost_rules as rules on conversions.outcome = rules.outcome
    group by conversions.outcome, rules.cost
),

summed as (
    select *, sum(case when cost = 'by_value' then value else 0 end) over () as value_of_all
    from valued
)

select
    outcome,
    case
        when cost = 'full' then cast(1 as double)
        when cost = 'by_value' then nullif(round(value / nullif(value_of_all, 0), 12), 0)
    end as cost_share
from summed
order by outcome
