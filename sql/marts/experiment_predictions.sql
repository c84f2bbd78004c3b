-- What every holdout that is over measured, predicted without it: by calibrated credit, and by credit as it is.
-- @experiment name of the experiment
-- @outcome name of the outcome that decides
-- @channel the channel that the control arm did not get
-- @method calibrated: credit of the model in use, times the share that the other experiments say is incremental; credit: what the model credits
-- @model name of the model whose credit is used
-- @read_on day up to which the data of the experiment was complete
-- @measured conversions of the treated users that the channel caused, as measured
-- @measured_error standard error of measured
-- @predicted conversions that the method predicts for the same users
-- @predicted_low lower bound of the 95 % interval for measured; calibrated only
-- @predicted_high upper bound of that interval
-- @error predicted less measured
-- @others number of other experiments on the outcome that the prediction is calibrated by; null for credit
-- @others_on_channel how many of them are on the same channel
select
    experiment, outcome, channel, method, model, read_on, measured, measured_error, predicted,
    predicted_low, predicted_high, error, others, others_on_channel
from evaluation.experiment_predictions
order by experiment, method, model
