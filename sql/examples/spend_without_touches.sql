-- Lists spend that no touch belongs to, and channels with touches whose cost is not known.
-- @status what does not match
-- @channel name of the channel
-- @campaign name of the campaign, null where there is none
-- @first_day first day
-- @last_day last day
-- @spend what was spent, in the currency of the data
-- @touches number of touches
select status, channel, campaign, first_day, last_day, round(spend, 2) as spend, touches
from mart.spend_match
where status <> 'matched'
order by status, spend desc nulls last, channel, campaign
