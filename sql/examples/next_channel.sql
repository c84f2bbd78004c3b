-- Shows which channel follows each channel most often.
-- @outcome name of the outcome
-- @from_channel name of the channel, or (start)
-- @to_channel the channel that follows most often, (conversion) or (null)
-- @probability_percent how often it follows, percent
select
    outcome,
    from_channel,
    to_channel,
    round(100 * probability, 1) as probability_percent
from mart.channel_transitions
qualify row_number() over (
    partition by outcome, from_channel order by probability desc, to_channel
) = 1
order by outcome, from_channel
