-- What was claimed, tested, refuted and decided, in order: hypothesis, test, verdict, next hypothesis.
-- @outcome name of the outcome
-- @number position in the order of time, 1 for the first
-- @day day to which the event belongs: of a period, or of the decision
-- @event hypothesis, refuted, stands_again, contradicted (by an experiment), best, withdrawn, returned, challenger, champion_refuted or decision
-- @model model that it concerns
-- @caused_by model or experiment that refuted it, or person who decided; null otherwise
-- @text claim of a hypothesis, or reason of a decision; null otherwise
-- @recorded_at when the run or the decision was, UTC
with verdicts as (
    select
        *,
        lag(verdict) over hypothesis as verdict_before,
        lag(refuted_by_experiment) over hypothesis as experiment_before,
        coalesce(lag(is_compared) over hypothesis, true) as was_compared,
        row_number() over hypothesis as version
    from decisions.verdicts
    window hypothesis as (partition by outcome, model, definition order by number)
),

champions as (
    select
        *,
        lag(challenger) over own as challenger_before,
        coalesce(lag(is_refuted) over own, false) as was_refuted,
        lag(model) over own as model_before
    from decisions.champions
    window own as (partition by outcome order by number)
),

-- Where events fall on one day, a test comes before its verdict, and that before a decision.
events as (
    select
        outcome, coalesce(first_period, cast(recorded_at as date)) as day, 'hypothesis' as event,
        1 as place, model, null as caused_by, claim as text, recorded_at
    from verdicts
    where version = 1
    union all
    select
        outcome, coalesce(refuted_in, cast(recorded_at as date)), 'refuted', 2, model, refuted_by,
        null, recorded_at
    from verdicts
    where is_compared and verdict = 'refuted' and verdict_before is distinct from 'refuted'
    union all
    select outcome, last_period, 'stands_again', 2, model, null, null, recorded_at
    from verdicts
    where is_compared and verdict <> 'refuted' and verdict_before = 'refuted'
    union all
    select
        outcome, cast(recorded_at as date), 'contradicted', 3, model, refuted_by_experiment, null,
        recorded_at
    from verdicts
    where
        is_compared
        and refuted_by_experiment is not null
        and refuted_by_experiment is distinct from experiment_before
    union all
    select
        outcome, coalesce(last_period, cast(recorded_at as date)), 'best', 3, model, null, null,
        recorded_at
    from verdicts
    where is_compared and verdict = 'best' and verdict_before is distinct from 'best'
    union all
    select outcome, cast(recorded_at as date), 'withdrawn', 4, model, null, null, recorded_at
    from verdicts
    where not is_compared and was_compared
    union all
    select outcome, cast(recorded_at as date), 'returned', 4, model, null, claim, recorded_at
    from verdicts
    where is_compared and not was_compared
    union all
    select outcome, cast(recorded_at as date), 'champion_refuted', 5, model,
        coalesce(refuted_by_experiment, refuted_by), null, recorded_at
    from champions
    where is_refuted and not (was_refuted and model is not distinct from model_before)
    union all
    select outcome, cast(recorded_at as date), 'challenger', 6, challenger, null, null, recorded_at
    from champions
    where challenger is not null and challenger is distinct from challenger_before
    union all
    select
        outcome, cast(decided_at as date), 'decision', 7, to_model, decided_by, reason, decided_at
    from decisions.log
)

select
    outcome,
    row_number() over (partition by outcome order by day, place, recorded_at, model) as number,
    day,
    event,
    model,
    caused_by,
    text,
    recorded_at
from events
order by outcome, number
