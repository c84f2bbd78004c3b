-- Every decision of a person about the model in use: a copy of the log of decisions.
-- @number 1 for the first decision
-- @decided_at when, UTC
-- @decided_by who
-- @outcome name of the outcome
-- @from_model model that was in use before
-- @to_model model that is in use from then on
-- @reason why, in the words of the person
-- @despite what had refuted the model by then; null where nothing had
-- @verdicts verdict on every model of the outcome at that time, as JSON
-- @previous SHA-256 of the decision before
-- @hash SHA-256 of this decision
select
    number, decided_at, decided_by, outcome, from_model, to_model, reason, despite, verdicts,
    previous, hash
from decisions.log
order by number
