-- Removal effect of each channel according to each Markov model.
-- @outcome name of the outcome
-- @model name of the Markov model
-- @channel name of the channel that is removed
-- @removal_effect share of the conversion probability that is lost without the channel, 0..1
select outcome, model, channel, removal_effect
from credit.removal_effects
order by outcome, model, removal_effect desc, channel
