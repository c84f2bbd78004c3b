-- Credit by the model in use: the rows of channel_credit that budgets follow.
-- @outcome name of the outcome
-- @model model in use
-- @status decided, or "in use until somebody decides" where no decision was taken
-- @is_refuted whether the model in use is refuted now
-- @channel name of the channel; (unattributed) holds the conversions without a touch on their path
-- @conversions credited conversions
-- @conversions_low lower bound of the 95 % interval
-- @conversions_high upper bound of the 95 % interval
-- @value credited value, in the currency of the data; null if no conversion of the outcome has a value
-- @share share of the attributed conversions, 0..1; null for (unattributed)
-- @cost cost of the channel, in the currency of the data; null where unknown
-- @cpa cost per credited conversion, in the currency of the data
-- @roas return on ad spend: credited value per unit of cost
-- @challenger model that the evidence would put in its place; null where none
-- @challenger_conversions conversions that the challenger credits
select
    credit.outcome,
    credit.model,
    champions.status,
    champions.is_refuted,
    credit.channel,
    credit.conversions,
    credit.conversions_low,
    credit.conversions_high,
    credit.value,
    credit.share,
    credit.cost,
    credit.cpa,
    credit.roas,
    champions.challenger,
    challenger.conversions as challenger_conversions
from mart.channel_credit as credit
inner join mart.champions as champions on credit.outcome = champions.outcome
left join mart.channel_credit as challenger
    on credit.outcome = challenger.outcome
    and credit.channel = challenger.channel
    and challenger.model = champions.challenger
where credit.is_champion
