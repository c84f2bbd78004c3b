-- The channels that were met, numbered by how often; names decide nothing, so a rename changes nothing.
-- @channel_key number of the channel, 0 for the one met most often
-- @channel the channel as the sources name it
-- @is_direct whether it is direct traffic, which last_non_direct passes over
with distinct_touches as (
    -- A touch that was sent again counts once: else a repeated delivery could renumber the channels.
    select distinct user_id, touched_at, channel, campaign, interaction, cost, touchpoint_id
    from contract.touchpoints
),

counted as (
    select channel, count(*) as touches, min(touched_at) as first_touched_at
    from distinct_touches
    group by channel
)

select
    cast(row_number() over (order by touches desc, first_touched_at, channel) - 1 as smallint)
        as channel_key,
    channel,
    lower(channel) in ('direct', '(direct)', '(none)') as is_direct
from counted
