-- Conversions that are not counted as they are: refunds, repeats of an id, and what follows a first conversion.
-- @user_id the user, as text
-- @outcome which event it is
-- @conversion_id id of the event in the source, null where there is none
-- @converted_at when the row happened, UTC
-- @row_value value of the row, in the currency of the data
-- @value value of the row that counts: its own, plus that of the refunds
-- @reason refund, refund_without_order, repeated_id, not_first, or null for a row that counts
--
-- Of the rows of a user with one id the earliest counts, and refunds are subtracted from it. A refund of
-- another user belongs to the only order of the outcome with its id.
with refunds_alone as (
    select user_id, outcome, conversion_id
    from inputs.conversions
    where conversion_id is not null
    group by user_id, outcome, conversion_id
    having max(coalesce(value, 0)) < 0
),

orders_of_others as (
    select
        refunds_alone.outcome,
        refunds_alone.conversion_id,
        min(orders.user_id) as user_id
    from refunds_alone
    inner join inputs.conversions as orders
        on refunds_alone.outcome = orders.outcome
        and refunds_alone.conversion_id = orders.conversion_id
    where coalesce(orders.value, 0) >= 0
    group by refunds_alone.outcome, refunds_alone.conversion_id
    having count(distinct orders.user_id) = 1
),

with_owner as (
    select
        conversions.user_id,
        conversions.outcome,
        conversions.conversion_id,
        conversions.converted_at,
        conversions.value,
        coalesce(orders_of_others.user_id, conversions.user_id) as owner_id
    from inputs.conversions as conversions
    left join refunds_alone
        on conversions.user_id = refunds_alone.user_id
        and conversions.outcome = refunds_alone.outcome
        and conversions.conversion_id = refunds_alone.conversion_id
    left join orders_of_others
        on refunds_alone.outcome = orders_of_others.outcome
        and refunds_alone.conversion_id = orders_of_others.conversion_id
    where conversions.conversion_id is not null
),

repeated as (
    select owner_id, outcome, conversion_id
    from with_owner
    group by owner_id, outcome, conversion_id
    having count(*) > 1 or min(value) < 0
),

numbered as (
    select
        with_owner.user_id,
        with_owner.outcome,
        with_owner.conversion_id,
        with_owner.converted_at,
        with_owner.value,
        coalesce(with_owner.value < 0, false) as is_refund,
        row_number() over (
            partition by with_owner.owner_id, with_owner.outcome, with_owner.conversion_id
            order by
                coalesce(with_owner.value < 0, false),
                with_owner.converted_at,
                with_owner.value nulls last
        ) as number,
        sum(case when with_owner.value < 0 then with_owner.value end) over (
            partition by with_owner.owner_id, with_owner.outcome, with_owner.conversion_id
        ) as refunded,
        max(coalesce(with_owner.value, 0)) over (
            partition by with_owner.owner_id, with_owner.outcome, with_owner.conversion_id
        ) >= 0 as has_order
    from with_owner
    inner join repeated
        on with_owner.owner_id = repeated.owner_id
        and with_owner.outcome = repeated.outcome
        and with_owner.conversion_id = repeated.conversion_id
),

of_one_id as (
    select
        user_id,
        outcome,
        conversion_id,
        converted_at,
        value as row_value,
        case when number = 1 and not is_refund then value + coalesce(refunded, 0) end as value,
        case
            when not has_order then 'refund_without_order'
            when is_refund then 'refund'
            when number > 1 then 'repeated_id'
        end as reason
    from numbered
),

-- Outcomes of which only the first conversion of a user counts.
in_order as (
    select
        conversions.user_id,
        conversions.outcome,
        conversions.conversion_id,
        conversions.converted_at,
        conversions.value as row_value,
        coalesce(of_one_id.value, conversions.value) as value,
        row_number() over (
            partition by conversions.user_id, conversions.outcome
            order by
                conversions.converted_at,
                conversions.conversion_id nulls last,
                conversions.value nulls last
        ) as place
    from inputs.conversions as conversions
    inner join inputs.first_only as first_only on conversions.outcome = first_only.outcome
    left join of_one_id
        on conversions.user_id = of_one_id.user_id
        and conversions.outcome = of_one_id.outcome
        and conversions.conversion_id = of_one_id.conversion_id
        and conversions.converted_at = of_one_id.converted_at
        and conversions.value is not distinct from of_one_id.row_value
    where of_one_id.reason is null
)

select user_id, outcome, conversion_id, converted_at, row_value, value, reason
from of_one_id
where reason is not null or outcome not in (select outcome from inputs.first_only)
union all
select
    user_id,
    outcome,
    conversion_id,
    converted_at,
    row_value,
    value,
    case when place > 1 then 'not_first' end as reason
from in_order
