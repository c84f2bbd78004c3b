-- Credit of the model in use, calibrated by experiments: what the channels cause, and the baseline.
-- @outcome name of the outcome; only outcomes with experiments
-- @model model in use
-- @channel name of the channel; (baseline) holds what is left: conversions that would have come without any channel
-- @credited conversions that the model credits; null for the baseline
-- @incrementality share of these that the channel causes: mean over all experiments, pooled between channels
-- @incrementality_low lower bound of its 95 % interval
-- @incrementality_high upper bound of its 95 % interval
-- @conversions credited times incrementality; with the baseline they sum to all conversions
-- @conversions_low lower bound of the 95 % interval
-- @conversions_high upper bound of the 95 % interval
-- @share_from_experiments weight of the experiments on this channel in its incrementality, 0..1; the rest comes from other channels
-- @experiments number of experiments on the channel
select
    outcome, model, channel, credited, incrementality, incrementality_low, incrementality_high,
    conversions, conversions_low, conversions_high, share_from_experiments, experiments
from evaluation.calibrated_credit
