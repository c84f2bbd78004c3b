-- The credit of channels by lookback, without intervals: that of all other tables (is_main), and others.
-- @outcome name of the outcome
-- @lookback how long before a conversion a touch still counts
-- @is_main whether all other tables have this lookback
-- @model name of the model
-- @channel name of the channel; (unattributed) holds the conversions without a touch on their path
-- @conversions credited conversions
-- @value credited value, in the currency of the data; null if no conversion of the outcome has a value
-- @share share of the attributed conversions, 0..1; null for (unattributed)
with other as (
    select other.*
    from evaluation.other_lookback_credit as other
    left join evaluation.lookback_credit as main
        on other.outcome = main.outcome
        and other.lookback = main.lookback
        and other.model = main.model
        and other.channel = main.channel
    where main.outcome is null
),

lookbacks as (
    select *, true as is_main from evaluation.lookback_credit
    union all
    select *, false as is_main from other
)

select
    outcome,
    lookback,
    is_main,
    model,
    channel,
    conversions,
    value,
    case
        when channel <> '(unattributed)'
            then round(
                conversions / nullif(
                    sum(case when channel <> '(unattributed)' then conversions end) over (
                        partition by outcome, lookback, model
                    ), 0
                ), 12
            )
    end as share
from lookbacks
order by outcome, model, is_main desc, lookback, conversions desc, channel
