-- Warnings about the verdicts.
-- @outcome name of the outcome
-- @segment users whose verdicts the warning concerns
-- @model name of the model; null if it concerns all models
-- @kind no_verdict, stray_rows, sudden_drop, shifted_times, mixed_zones, halved_rows, lost_column, voided, short_history, immature, replaced, restated, drift, ceiling, unreachable_channel, volume, spend_outside_period, spend_without_touches, spend_renamed, shared_touches, unused_cluster, bot_like_users, joined_always, hub_ids, repeated_id, unknown_ids, small_segments, outcome_channel, direct, excluded_referrals, unassigned_channel, similar_channels, refund, unused_column, separator or model
-- @text text of the warning
select * from evaluation.warnings
