-- Lists the paths of journeys that end with a conversion, or with a touch that nothing has followed within the lookback.
-- @outcome name of the outcome
-- @user_key number of the user
-- @happened_at time of the conversion, or of the last touch, UTC
-- @is_conversion whether it ends with a conversion; otherwise something may still follow until the touch is mature
-- @path_length touches on the path
-- @path channels in time order: a > b > c
with ended as (
    select outcome, user_key, happened_at, is_conversion, touch, path_length
    from journeys.path_events
    where path_length > 0
        and (is_conversion or (not converted and next_channel_key is null))
)

select
    ended.outcome,
    ended.user_key,
    ended.happened_at,
    ended.is_conversion,
    any_value(ended.path_length) as path_length,
    string_agg(path_touches.channel, ' > ' order by path_touches.position) as path
from ended
inner join journeys.path_touches as path_touches
    on ended.outcome = path_touches.outcome
    and ended.user_key = path_touches.user_key
    and ended.happened_at = path_touches.happened_at
    and ended.is_conversion = path_touches.is_conversion
    and ended.touch is not distinct from path_touches.event_touch
group by ended.outcome, ended.user_key, ended.happened_at, ended.touch, ended.is_conversion
