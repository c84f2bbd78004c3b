-- One row per outcome and model, with the lookback that its verdict depends on.
-- @outcome name of the outcome
-- @lookback how long before a conversion a touch counts
-- @model name of the model
-- @verdict verdict on the model
-- @stands whether it is not refuted
-- @rank 1 for the model with the smallest loss
-- @explained reduction of the log loss of the null hypothesis
-- @explained_low lower bound
-- @explained_high upper bound
-- @landmarks landmarks that were scored
-- @scored_conversions conversions among them
-- @periods periods that were forecast
-- @conversions conversions in the data
-- @attributed conversions with at least one touch on their path
with counted as (
    select
        outcome,
        count(*) as conversions,
        cast(sum(case when path_length > 0 then 1 else 0 end) as bigint) as attributed
    from journeys.conversions
    group by outcome
)

select
    outcomes.outcome,
    outcomes.lookback,
    compared.model,
    compared.verdict,
    compared.stands,
    compared.rank,
    compared.explained,
    compared.explained_low,
    compared.explained_high,
    compared.landmarks,
    compared.conversions as scored_conversions,
    outcomes.periods,
    counted.conversions,
    counted.attributed
from evaluation.outcomes as outcomes
inner join mart.model_comparison as compared on outcomes.outcome = compared.outcome
inner join counted on outcomes.outcome = counted.outcome
where compared.segment = 'all' and compared.verdict is not null
