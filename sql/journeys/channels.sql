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
    -- Of channels that were met alike often, when and by whom they were met tells them apart.
    select
        channel,
        count(*) as touches,
        min(touched_at) as first_touched_at,
        max(touched_at) as last_touched_at,
        min(user_id) as first_user_id,
        max(user_id) as last_user_id,
        min(touchpoint_id) as first_touchpoint_id
    from distinct_touches
    group by channel
)

select
    cast(row_number() over (
        order by
            touches desc, first_touched_at, last_touched_at, first_user_id, last_user_id,
            first_touchpoint_id nulls last, channel
    ) - 1 as smallint) as channel_key,
    channel,
    lower(channel) in ('direct', '(direct)', '(none)') as is_direct
from counted
