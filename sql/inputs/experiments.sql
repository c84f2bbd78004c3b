-- Accepted assignments of users to the arms of randomised experiments.
-- @experiment name of the experiment
-- @user_id the user, as text
-- @arm the arm that the user was drawn for
-- @assigned_at when that was, UTC
--
-- Every row of raw.experiments is returned once, with the reason to set it aside (null: none).
-- In raw, blank text and invalid times are null.
select
    experiment,
    user_id,
    arm,
    assigned_at,
    source_row,
    case
        when experiment is null then 'missing_experiment'
        when user_id is null then 'missing_user_id'
        when arm is null then 'missing_arm'
        when assigned_at is null then 'invalid_assigned_at'
        when assigned_at > $now then 'future_assigned_at'
    end as reason
from raw.experiments
