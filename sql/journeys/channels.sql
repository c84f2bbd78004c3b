-- The channels that were met, numbered by when each was first met; names decide nothing, so a rename changes nothing.
-- @channel_key number of the channel, 0 for the one met first: a channel that comes later changes no number
-- @channel the channel as the sources name it
-- @is_direct whether it is direct traffic, which last_non_direct passes over
with met as (
    select
        channel,
        min(touched_at) as first_touched_at,
        max(touched_at) as last_touched_at,
        min(user_id) as first_user_id,
        max(user_id) as last_user_id,
        min(touchpoint_id) as first_touchpoint_id
    from inputs.touchpoints
    group by channel
),

-- Channels first met at one instant are told apart by how often they were met: only they are counted.
instants as (
    select first_touched_at from met group by first_touched_at having count(*) > 1
),

distinct_touches as (
    -- A touch that was sent again counts once: else a repeated delivery could renumber the channels.
    select distinct user_id, touched_at, channel, campaign, interaction, cost, touchpoint_id
    from inputs.touchpoints
    where channel in (
        select channel from met inner join instants on met.first_touched_at = instants.first_touched_at
    )
),

counted as (
    select channel, count(*) as touches from distinct_touches group by channel
)

select
    cast(row_number() over (
        order by
            met.first_touched_at, counted.touches desc, met.last_touched_at, met.first_user_id,
            met.last_user_id, met.first_touchpoint_id nulls last, met.channel
    ) - 1 as smallint) as channel_key,
    met.channel,
    lower(met.channel) in ('direct', '(direct)', '(none)') as is_direct
from met
left join counted on met.channel = counted.channel
