-- What to beware of in the verdicts.
-- @outcome name of the outcome
-- @segment users whose verdicts it concerns
-- @model the model that it concerns; null where it is about all
-- @kind short_history, immature, replaced, restated, drift, ceiling, unreachable_channel, volume or model
-- @text what it means, in words
select * from evaluation.warnings
