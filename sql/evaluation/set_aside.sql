-- The mature landmarks of bot-like users of one outcome, which the evaluation sample leaves out.
-- @outcome name of the outcome
-- @bucket bucket of the user
-- @happened_at instant of the touch, UTC
-- @converted whether the next event is a conversion, within the lookback
select outcome, bucket, happened_at, converted
from journeys.path_events
where outcome = $outcome
    and not is_conversion
    and happened_at <= $mature_until
    and user_key in (select user_key from journeys.bot_like_users)
