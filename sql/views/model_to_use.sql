-- The model to use for each outcome: of those that stand, the first primary one by rank.
-- @outcome name of the outcome
-- @model name of the model; where every primary model is refuted, the first of the others
-- @verdict verdict on the model so far
-- @others_stand number of other models that stand too: where it is not 0, the model is only one of several
select
    outcome,
    model,
    verdict,
    count(*) over (partition by outcome) - 1 as others_stand
from mart.model_comparison
where segment = 'all' and stands
qualify row_number() over (
    partition by outcome order by "primary" desc, rank nulls last, model
) = 1
