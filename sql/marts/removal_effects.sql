-- Removal effects: the share of conversions that a Markov chain loses without the channel.
-- @outcome name of the outcome
-- @model name of the Markov model
-- @channel the channel that is removed
-- @removal_effect share of the conversion probability that is lost, 0..1
select outcome, model, channel, removal_effect
from credit.removal_effects
order by outcome, model, removal_effect desc, channel
