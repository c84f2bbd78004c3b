-- Shows the best model of each outcome, its verdict and its top channel.
-- @outcome name of the outcome
-- @model rival with the lowest loss
-- @explained_percent reduction of the log loss of touch_volume, percent
-- @verdict verdict on the model so far
-- @top_channel channel with the most credit
-- @conversions conversions credited to that channel
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
where models.segment = 'all'
    and models.rank = 1
    and credit.channel <> '(unattributed)'
qualify row_number() over (
    partition by models.outcome order by credit.conversions desc, models.model
) = 1
order by models.outcome
