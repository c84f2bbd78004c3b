-- The model in use for each outcome, and the one that the evidence would put in its place.
-- @outcome name of the outcome
-- @model model in use: the one that was promoted last, else last_touch
-- @status decided, or "in use until somebody decides" where no decision was taken
-- @decided_at when it was promoted, UTC; null without a decision
-- @decided_by who promoted it
-- @reason why, in the words of the person
-- @despite what had refuted it when it was promoted; null where nothing had
-- @verdict verdict on it so far; null where it was not compared
-- @is_refuted whether it is refuted now
-- @refuted_by model that refuted it
-- @refuted_by_experiment experiment that contradicts its credit or what it expects of a channel, which outranks the forecast
-- @refuted_in first day of the period in which it was refuted, or day on which the experiment was read
-- @challenger best model that stands, primary ones first; null where that is the model in use
-- @challenger_verdict verdict on the challenger so far
select
    outcome, model, status, decided_at, decided_by, reason, despite, verdict, is_refuted,
    refuted_by, refuted_by_experiment, refuted_in, challenger, challenger_verdict
from evaluation.champions
order by outcome
