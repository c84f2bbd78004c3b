-- Which model explains each outcome best, by how much, and what the evidence says of it.
-- @outcome name of the outcome
-- @model the rival with the lowest loss
-- @explained_percent share of touch volume's loss that it saves, percent
-- @verdict what the evidence so far says of it
-- @top_channel the channel it credits most
-- @conversions conversions that it credits to that channel
select
    models.outcome,
    models.model,
    round(100 * models.explained, 2) as explained_percent,
    models.verdict,
    credit.channel as top_channel,
    round(credit.conversions, 1) as conversions
from mart.model_comparison as models
inner join mart.channel_credit as credit
    on models.outcome = credit.outcome and models.model = credit.model
where models.segment = 'all' and models.rank = 1 and credit.channel <> '(unattributed)'
qualify row_number() over (
    partition by models.outcome order by credit.conversions desc, models.model
) = 1
order by models.outcome
