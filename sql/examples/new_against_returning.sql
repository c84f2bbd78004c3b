-- Compares the credit of channels between new and returning customers, according to the model to use.
-- @outcome name of the outcome
-- @channel name of the channel
-- @new_percent share of credit among new customers, percent
-- @returning_percent share of credit among returning customers, percent
select
    credit.outcome,
    credit.channel,
    round(100 * max(case when credit.segment = 'customer_type = new' then credit.share end), 1)
        as new_percent,
    round(
        100 * max(case when credit.segment = 'customer_type = returning' then credit.share end), 1
    ) as returning_percent
from mart.segment_credit as credit
inner join mart.model_to_use as to_use
    on credit.outcome = to_use.outcome and credit.model = to_use.model
where credit.segment in ('customer_type = new', 'customer_type = returning')
group by credit.outcome, credit.channel
order by credit.outcome, credit.channel
