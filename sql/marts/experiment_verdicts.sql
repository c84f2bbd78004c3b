-- Verdict of all experiments together on the credit of every model.
-- @outcome name of the outcome
-- @model name of the model
-- @verdict contradicted: the credit is not what the channels cause; agrees: every experiment agrees; uninformative
-- @experiment the experiment that contradicts it most; null for other verdicts
-- @read_on day up to which the data of that experiment was complete
-- @experiments number of experiments
-- @chi_square sum of the squared z of the experiments
-- @p_value p-value of chi_square; a model is contradicted at alpha over the number of models
select * from experiments.verdicts
