-- Models compared by what they predicted of holdouts before these were read.
-- @outcome name of the outcome
-- @ahead model whose predictions made the results likelier
-- @behind the other model
-- @experiments number of holdouts that both had predicted
-- @log_ratio logarithm of the likelihood ratio: how much likelier the results are under the model ahead
-- @needed log_ratio from which the model ahead is better for sure
-- @is_sure whether that is reached
select * from experiments.pairs
