-- The paths of the evaluation sample of one outcome, laid out touch by touch.
-- @landmark number of the landmark in the sample
-- @channel_key number of the channel
select landmarks.landmark, path_touches.*
from journeys.path_touches as path_touches
inner join evaluation.landmarks as landmarks
    on path_touches.user_key = landmarks.user_key and path_touches.moment_touch = landmarks.touch
where landmarks.outcome = $outcome
    and path_touches.outcome = $outcome
    and not path_touches.is_conversion
    and path_touches.bucket < $buckets
