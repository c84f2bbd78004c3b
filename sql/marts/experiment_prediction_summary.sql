-- How well each method predicts experiments that it has not seen, over all channels and by channel.
-- @outcome name of the outcome
-- @method calibrated or credit (experiment_predictions)
-- @model name of the model whose credit is used
-- @channel name of the channel; (all) for all of them
-- @experiments number of experiments
-- @r_squared share of the variation of the measured increments around their mean that the predictions explain; negative if the mean predicts better. Null for single channels
-- @r_squared_zero the same against predicting 0 for every experiment
-- @mean_absolute_error mean distance of predicted and measured, in conversions
-- @mean_error mean of predicted less measured: above 0 if too much is predicted
-- @covered share of experiments whose measured increment is in its interval; calibrated only
select
    outcome, method, model, channel, experiments, r_squared, r_squared_zero, mean_absolute_error,
    mean_error, covered
from evaluation.experiment_prediction_summary
order by outcome, method, model, channel
