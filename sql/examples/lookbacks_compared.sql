-- Compares the lookbacks of the settings: what each model improves, and the verdict on it.
-- @outcome name of the outcome
-- @model name of the model
-- @lookback how long before a conversion a touch counts; the first one of a model is that of all other tables
-- @explained_percent reduction of the log loss of the null hypothesis with the same lookback, percent
-- @low_percent lower bound, percent
-- @high_percent upper bound, percent
-- @verdict verdict on the model
-- @attributed_percent share of the conversions with a touch on their path, percent
select
    outcome,
    model,
    lookback,
    round(100 * explained, 2) as explained_percent,
    round(100 * explained_low, 2) as low_percent,
    round(100 * explained_high, 2) as high_percent,
    verdict,
    round(100 * attributed / conversions, 1) as attributed_percent
from mart.lookback_comparison
order by outcome, model, is_main desc, lookback
