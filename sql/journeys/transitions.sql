-- Transitions of one outcome: how often what followed what, among mature landmarks.
-- @previous_3 channel three touches before on the path, null where there is none
-- @previous_2 channel two touches before on the path, null where there is none
-- @previous_1 channel of the touch before on the path, null where there is none
-- @channel_key channel of the landmark
-- @next_channel_key channel of the next touch where that is the next event, else null
-- @converted whether the next event is a conversion; where neither, the journey ended
-- @bucket bucket of the user
-- @landmarks how many landmarks
select
    previous_3, previous_2, previous_1, channel_key, next_channel_key, converted, bucket,
    count(*) as landmarks
from journeys.moments
where outcome = $outcome and not is_conversion and happened_at <= $mature_until
group by previous_3, previous_2, previous_1, channel_key, next_channel_key, converted, bucket
