-- Shows the channels on whose credit the rivals that stand disagree most.
-- @outcome name of the outcome
-- @channel name of the channel
-- @least lowest number of conversions credited by any of these rivals
-- @least_by rival with the lowest number; of equal ones the first by name
-- @most highest number of conversions credited by any of these rivals
-- @most_by rival with the highest number; of equal ones the first by name
select
    credit.outcome,
    credit.channel,
    round(min(credit.conversions), 1) as least,
    arg_min(credit.model, row(credit.conversions, credit.model)) as least_by,
    round(max(credit.conversions), 1) as most,
    arg_min(credit.model, row(-credit.conversions, credit.model)) as most_by
from mart.channel_credit as credit
inner join mart.model_comparison as compared
    on credit.outcome = compared.outcome and credit.model = compared.model
where compared.segment = 'all' and compared.stands
group by credit.outcome, credit.channel
having max(credit.conversions) > min(credit.conversions)
order by credit.outcome, max(credit.conversions) - min(credit.conversions) desc, credit.channel
