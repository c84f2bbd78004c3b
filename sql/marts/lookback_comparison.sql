-- The models by lookback: that of all other tables (is_main), and those of other_lookbacks in the settings.
-- @outcome name of the outcome
-- @lookback how long before a conversion a touch still counts
-- @is_main whether all other tables have this lookback
-- @model name of the model
-- @rank 1 for the model with the smallest loss, with this lookback
-- @verdict verdict on the model with this lookback; all lookbacks share alpha
-- @stands whether it is not refuted with this lookback
-- @explained reduction of the log loss of the null hypothesis with the same lookback, 0..1: the data to explain differ by lookback
-- @explained_low lower bound of explained, at any time
-- @explained_high upper bound of explained, at any time
-- @landmarks landmarks that were scored
-- @scored_conversions conversions among them
-- @periods periods that were forecast
-- @conversions conversions in the data
-- @attributed conversions with at least one touch on their path
with other as (
    select other.*
    from evaluation.other_lookback_comparison as other
    left join evaluation.lookback_comparison as main
        on other.outcome = main.outcome
        and other.lookback = main.lookback
        and other.model = main.model
    where main.outcome is null
),

lookbacks as (
    select *, true as is_main from evaluation.lookback_comparison
    union all
    select *, false as is_main from other
)

select
    outcome, lookback, is_main, model, rank, verdict, stands, explained, explained_low,
    explained_high, landmarks, scored_conversions, periods, conversions, attributed
from lookbacks
order by outcome, model, is_main desc, lookback
