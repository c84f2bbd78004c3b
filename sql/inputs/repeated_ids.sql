-- Conversions whose id occurs more than once for a user: the earliest counts, refunds are subtracted.
-- @user_id the user, as text
-- @outcome which event it is
-- @conversion_id id of the event in the source
-- @converted_at when the row happened, UTC
-- @row_value value of the row, in the currency of the data
-- @value value of the row that counts: its own, plus that of the refunds
-- @reason refund, repeated_id, or null for the row that counts
with repeated as (
    select user_id, outcome, conversion_id
    from inputs.conversions
    where conversion_id is not null
    group by user_id, outcome, conversion_id
    having count(*) > 1
),

numbered as (
    select
        conversions.user_id,
        conversions.outcome,
        conversions.conversion_id,
        conversions.converted_at,
        conversions.value,
        coalesce(conversions.value < 0, false) as is_refund,
        row_number() over (
            partition by conversions.user_id, conversions.outcome, conversions.conversion_id
            order by
                coalesce(conversions.value < 0, false),
                conversions.converted_at,
                conversions.value nulls last
        ) as number,
        sum(case when conversions.value < 0 then conversions.value end) over (
            partition by conversions.user_id, conversions.outcome, conversions.conversion_id
        ) as refunded
    from inputs.conversions as conversions
    inner join repeated
        on conversions.user_id = repeated.user_id
        and conversions.outcome = repeated.outcome
        and conversions.conversion_id = repeated.conversion_id
)

select
    user_id,
    outcome,
    conversion_id,
    converted_at,
    value as row_value,
    case
        when number > 1 then null
        when is_refund then refunded
        else value + coalesce(refunded, 0)
    end as value,
    case
        when number = 1 then null
        when is_refund then 'refund'
        else 'repeated_id'
    end as reason
from numbered
