-- Lists the models that are ruled out: since when, by which model, and on how many conversions.
-- @outcome name of the outcome
-- @model name of the model
-- @claim what the model says
-- @refuted_by model that is surely better
-- @refuted_in first day of the period since when
-- @conversions conversions that were scored
select outcome, model, claim, refuted_by, refuted_in, conversions
from mart.hypotheses
where not stands
order by outcome, refuted_in, model
