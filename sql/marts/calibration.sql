-- Compares forecast and observed conversion rates, in bins of about equal size.
-- @outcome name of the outcome
-- @segment users that were compared: all, or column = value of the users table
-- @model name of the model
-- @bin 1 for the lowest forecasts
-- @landmarks number of landmarks in the bin
-- @conversions number of these landmarks that converted
-- @forecast mean forecast probability, 0..1
-- @observed share of landmarks that converted, 0..1
select * from evaluation.calibration
