-- The best model of each outcome, how much it explains, and how sure that is.
select
    outcome,
    model,
    verdict,
    round(100 * explained, 2) as explained_percent,
    round(100 * explained_low, 2) as at_least,
    round(100 * explained_high, 2) as at_most
from mart.model_comparison
where rank = 1
order by outcome
