-- Numbers the channels by their first touch. The order does not depend on names, so renaming a channel changes no number.
-- @channel_key number of the channel from 0, in order of first touch; a later channel does not renumber others
-- @channel name of the channel in the sources
-- @is_direct whether it is direct traffic, which last_non_direct ignores
with channels as (
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

-- Channels with the same first touch are ordered by their number of touches: only they are counted.
ties as (
    select first_touched_at from channels group by first_touched_at having count(*) > 1
),

distinct_touches as (
    -- Duplicates count once, or else a repeated delivery could renumber the channels.
    select distinct user_id, touched_at, channel, campaign, interaction, cost, touchpoint_id
    from inputs.touchpoints
    where channel in (
        select channels.channel
        from channels
        inner join ties on channels.first_touched_at = ties.first_touched_at
    )
),

counted as (
    select channel, count(*) as touches from distinct_touches group by channel
)

select
    cast(row_number() over (
        order by
            channels.first_touched_at, counted.touches desc, channels.last_touched_at,
            channels.first_user_id, channels.last_user_id,
            channels.first_touchpoint_id nulls last, channels.channel
    ) - 1 as smallint) as channel_key,
    channels.channel,
    $direct_names like
        '%,' || regexp_replace(lower(channels.channel), $punctuation, '', 'g') || ',%' as is_direct
from channels
left join counted on channels.channel = counted.channel
