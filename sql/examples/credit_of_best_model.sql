-- What each channel earned and cost, according to the best model of each outcome.
select
    credit.outcome,
    credit.model,
    credit.channel,
    round(credit.conversions, 1) as conversions,
    round(100 * credit.share, 1) as share_percent,
    round(credit.cost, 2) as cost,
    round(credit.cpa, 2) as cpa,
    round(credit.roas, 2) as roas
from mart.channel_credit as credit
inner join mart.model_comparison as compared
    on credit.outcome = compared.outcome and credit.model = compared.model
where compared.rank = 1
order by credit.outcome, credit.conversions desc, credit.channel
