-- Compares the share of spend with the share of credit of each channel, according to the model to use.
-- @outcome name of the outcome
-- @channel name of the channel
-- @spend_percent share of all spend, percent
-- @credit_percent share of the attributed conversions, percent
-- @moved conversions that the model credits minus those of last touch
select
    outcome,
    channel,
    round(100 * spend_share, 1) as spend_percent,
    round(100 * share, 1) as credit_percent,
    round(moved, 1) as moved
from mart.channel_summary
where channel <> '(unattributed)'
order by outcome, spend_share desc nulls last, channel
