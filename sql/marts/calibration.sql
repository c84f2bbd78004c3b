-- Calibration: what was forecast against what happened, in bins of about equal size.
-- @outcome name of the outcome
-- @segment users that were compared: all, or column = value of users
-- @model name of the model
-- @bin 1 for the lowest forecasts
-- @landmarks landmarks in the bin
-- @conversions how many of them converted
-- @forecast mean forecast, 0..1
-- @observed share that converted, 0..1
select * from evaluation.calibration
