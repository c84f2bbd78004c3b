-- Touchpoints where an excluded referral takes channel and campaign of the user's touch before it.
with in_time as (
    select
        *,
        last_value(
            case
                when touched_at is not null and channel is not null and not takes_previous
                    then struct_pack(channel := channel, campaign := campaign)
            end ignore nulls
        ) over (
            partition by user_id
            order by
                touched_at nulls last, takes_previous, touchpoint_id nulls last, channel, campaign
            rows between unbounded preceding and 1 preceding
        ) as previous
    from raw.named_rows
)

select
    * exclude (previous, takes_previous) replace (
        case when takes_previous and previous is not null then previous.channel else channel end
            as channel,
        case
            when takes_previous and previous is not null then previous.campaign
            when not takes_previous then campaign
        end as campaign
    )
from in_time
