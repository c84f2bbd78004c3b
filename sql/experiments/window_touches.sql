-- Touches on the paths of landmarks in the windows of an experiment, from the first touch of the channel on.
-- @person the person, as in the assignments
-- @user_key number of the user in the journeys
-- @event_touch number of the landmark's touch
-- @happened_at time of the landmark, UTC
-- @converted whether the next event is a conversion
-- @window_end_us end of the person's window, in microseconds
-- @position 1 for the path's first touch
-- @touched_at time of the touch, UTC
-- @channel_key number of the channel
-- @campaign name of the campaign, null where there is none
-- @interaction kind of contact, null where unknown
-- @milestone whether a milestone follows the touch
-- @is_removed whether the touch is one of the channel that is held out, after the assignment
with assigned as (
    select
        persons.user_key,
        assigned.person,
        epoch_us(assigned.assigned_at) as from_us,
        epoch_us(assigned.assigned_at) + plans.window_us as to_us
    from experiments.assigned as assigned
    inner join experiments.plans as plans on assigned.experiment = plans.experiment
    inner join experiments.journey_persons as persons on assigned.person = persons.person
    where assigned.experiment = $experiment and assigned.arms = 1
        and persons.user_key not in (select user_key from journeys.bot_like_users)
),

landmarks as (
    select
        assigned.person,
        assigned.from_us,
        assigned.to_us,
        events.user_key,
        events.touch as event_touch,
        events.happened_at,
        events.converted,
        min(case when channels.channel is not null then epoch_us(events.happened_at) end)
            over (partition by assigned.person) as exposed_us
    from assigned
    inner join journeys.path_events as events on assigned.user_key = events.user_key
    inner join journeys.channels as names on events.channel_key = names.channel_key
    left join experiments.plan_channels as channels
        on names.channel = channels.channel and channels.experiment = $experiment
    where events.outcome = $outcome and not events.is_conversion
        and epoch_us(events.happened_at) >= assigned.from_us
        and epoch_us(events.happened_at) < assigned.to_us
)

select
    landmarks.person,
    landmarks.user_key,
    landmarks.event_touch,
    landmarks.happened_at,
    landmarks.converted,
    landmarks.to_us as window_end_us,
    touches.position,
    touches.touched_at,
    touches.channel_key,
    touches.campaign,
    touches.interaction,
    milestones.touch is not null as milestone,
    channels.channel is not null and epoch_us(touches.touched_at) >= landmarks.from_us as is_removed
from landmarks
inner join journeys.path_touches as touches
    on landmarks.user_key = touches.user_key and landmarks.event_touch = touches.event_touch
left join experiments.plan_channels as channels
    on touches.channel = channels.channel and channels.experiment = $experiment
left join journeys.milestones as milestones
    on touches.outcome = milestones.outcome
    and touches.user_key = milestones.user_key
    and touches.touch = milestones.touch
where touches.outcome = $outcome and not touches.is_conversion
    and epoch_us(landmarks.happened_at) >= landmarks.exposed_us
order by landmarks.person, landmarks.happened_at, landmarks.user_key, landmarks.event_touch, touches.position
