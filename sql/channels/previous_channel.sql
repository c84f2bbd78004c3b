-- Touchpoints where an excluded referral takes channel and campaign of the user's touch before it.
with in_time as (
    select
        *,
        touched_at is not null and channel is not null and not takes_previous as is_known,
        row_number() over (
            partition by user_id
            order by
                touched_at nulls last, takes_previous, touchpoint_id nulls last, channel, campaign
        ) as number
    from raw.named_rows
),

-- The touches after one with a known channel, up to the next one, follow it.
followed as (
    select
        *,
        max(case when is_known then number end) over (
            partition by user_id order by number rows between unbounded preceding and current row
        ) as known_number
    from in_time
),

previous as (
    select
        *,
        first_value(channel) over same as previous_channel,
        first_value(campaign) over same as previous_campaign
    from followed
    window same as (partition by user_id, known_number order by number)
)

select
    * exclude (
        channel, campaign, takes_previous, is_known, number, known_number, previous_channel,
        previous_campaign
    ),
    case when takes_previous and known_number is not null then previous_channel else channel end
        as channel,
    case
        when takes_previous and known_number is not null then previous_campaign
        when not takes_previous then campaign
    end as campaign
from previous
