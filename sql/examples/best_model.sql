-- Shows the model to use for each outcome: of those that stand, the first primary one by rank.
-- Where every primary model is refuted, it is the first of the others. It is only one of several
-- where other models stand too.
-- @outcome name of the outcome
-- @model model to use; of equal ones the first by name
-- @verdict verdict on the model so far
-- @explained_percent reduction of the log loss of the null hypothesis, percent
-- @also_stand other models that are not refuted, by rank; null if there are none
-- @top_channel channel to which the model gives the most credit
-- @conversions conversions credited to that channel
with standing as (
    select
        outcome,
        model,
        verdict,
        explained,
        row_number() over (
            partition by outcome order by "primary" desc, rank nulls last, model
        ) as place,
        string_agg(model, ', ') over (
            partition by outcome order by rank nulls last, model
            rows between unbounded preceding and unbounded following
            exclude current row
        ) as also_stand
    from mart.model_comparison
    where segment = 'all' and stands
)

select
    standing.outcome,
    standing.model,
    standing.verdict,
    round(100 * standing.explained, 2) as explained_percent,
    standing.also_stand,
    credit.channel as top_channel,
    round(credit.conversions, 1) as conversions
from standing
left join mart.channel_credit as credit
    on standing.outcome = credit.outcome
    and standing.model = credit.model
    and credit.channel <> '(unattributed)'
where standing.place = 1
qualify row_number() over (
    partition by standing.outcome order by credit.conversions desc, credit.channel
) = 1
order by standing.outcome
