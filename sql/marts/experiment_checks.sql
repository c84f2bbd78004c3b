-- Checks of the experiments before any reading.
-- @experiment name of the experiment
-- @check_name sample_ratio, two_arms, assignment_dates, planned_size, windows, exposed_early, control_exposed, no_touches, known_users, groups_in_two_arms, pre_period, regions, unknown_regions, assignments or declaration
-- @status passed; warning: read with care; failed: no reading can be trusted; waiting: more data is needed; not_checked
-- @text what was found, in words
-- @users number of users, groups or regions that it concerns
-- @share their share of those that were checked
-- @p_value p-value of what chance alone would do
select * from experiments.checks
