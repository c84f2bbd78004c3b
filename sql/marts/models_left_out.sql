-- Models that could not run on the data of the last run.
-- @model name of the model
-- @reason why it was left out
select model, reason from evaluation.left_out order by model
