-- The models as hypotheses: what each claims, since when it is tested, and what refuted it.
-- @outcome name of the outcome
-- @model name of the model
-- @claim what the model says about the data, in one sentence
-- @primary whether it is one of the models of the headline
-- @verdict verdict on the model so far
-- @stands whether it is not refuted
-- @refuted_by model that refuted it, null where none did
-- @refuted_in first day of the period in which it was refuted, null where it stands
-- @first_period first day of the first period that was scored
-- @last_period first day of the last period that was scored
-- @periods number of periods that were scored
-- @conversions conversions that were scored
with tested as (
    select outcome, model, min(period_start) as first_period, max(period_start) as last_period
    from mart.evidence
    where segment = 'all'
    group by outcome, model
)

select
    compared.outcome,
    compared.model,
    compared.claim,
    compared."primary",
    compared.verdict,
    compared.stands,
    compared.refuted_by,
    compared.refuted_in,
    tested.first_period,
    tested.last_period,
    compared.periods,
    compared.conversions
from mart.model_comparison as compared
left join tested on compared.outcome = tested.outcome and compared.model = tested.model
where compared.segment = 'all' and compared.verdict is not null
