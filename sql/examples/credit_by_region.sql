-- Shows the share of credit of each channel within each region, according to the model to use.
-- @outcome name of the outcome
-- @segment the region: any column of the users works alike
-- @channel name of the channel
-- @conversions credited conversions of the region's users
-- @share_percent share of the region's attributed conversions, percent
select
    credit.outcome,
    credit.segment,
    credit.channel,
    round(credit.conversions, 1) as conversions,
    round(100 * credit.share, 1) as share_percent
from mart.segment_credit as credit
inner join mart.model_to_use as to_use
    on credit.outcome = to_use.outcome and credit.model = to_use.model
where credit.segment like 'region = %'
order by credit.outcome, credit.segment, credit.conversions desc, credit.channel
