-- The models as hypotheses: what each claims, since when it is tested, and what refuted it; also those of the past.
-- @outcome name of the outcome
-- @model name of the model
-- @claim what the model says about the data, in one sentence
-- @primary whether it is one of the models of the headline
-- @verdict verdict on the model so far
-- @stands whether it is not refuted, by a forecast or by an experiment
-- @refuted_by model that refuted it, null where none did
-- @refuted_in first day of the period in which it was refuted, null where it stands
-- @first_period first day of the first period that was scored
-- @last_period first day of the last period that was scored
-- @periods number of periods that were scored
-- @conversions conversions that were scored
-- @rule weight of a touch, as a SQL expression; null for models that are no rules
-- @definition id of the definition: another one if the rule or a parameter changes
-- @refuted_by_experiment experiment that contradicts its credit or what it expects of a channel; null where none does
-- @is_compared whether it was compared in the last run
-- @recorded_at when the run of its last verdict was, UTC
select
    outcome, model, claim, "primary", verdict, stands, refuted_by, refuted_in, first_period,
    last_period, periods, conversions, rule, definition, refuted_by_experiment, is_compared, recorded_at
from decisions.verdicts
qualify row_number() over (partition by outcome, model, definition order by number desc) = 1
order by outcome, is_compared desc, model, definition
