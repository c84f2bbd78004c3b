-- Persons of each experiment, with their cluster and their touches before and after assignment.
-- @experiment name of the experiment
-- @person the person
-- @arm the arm
-- @arms number of different arms that the person was assigned to
-- @assigned_at time of the first assignment, UTC
-- @cluster who belongs together with the person; the person where that is unknown
-- @touches number of touches at any time
-- @touches_before number of touches in the pre-period
-- @exposed_early number of touches of the channel since the start of the experiment and before the assignment
-- @exposed number of touches of the channel in the window after the assignment
with touches as (
    select
        coalesce(persons.person, touchpoints.user_id) as person,
        epoch_us(touchpoints.touched_at) as at_us,
        touchpoints.channel
    from inputs.touchpoints as touchpoints
    left join experiments.persons as persons on touchpoints.user_id = persons.user_id
),

assigned as (
    select
        assigned.experiment,
        assigned.person,
        assigned.arm,
        assigned.arms,
        assigned.assigned_at,
        epoch_us(assigned.assigned_at) as at_us,
        plans.window_us,
        plans.history_us,
        coalesce(plans.start_us, min(epoch_us(assigned.assigned_at)) over (partition by assigned.experiment)) as start_us
    from experiments.assigned as assigned
    inner join experiments.plans as plans on assigned.experiment = plans.experiment
),

counted as (
    select
        assigned.experiment,
        assigned.person,
        count(*) as touches,
        sum(case when touches.at_us >= assigned.at_us - assigned.history_us
            and touches.at_us < assigned.at_us then 1 else 0 end) as touches_before,
        sum(case when channels.channel is not null and touches.at_us >= assigned.start_us
            and touches.at_us < assigned.at_us then 1 else 0 end) as exposed_early,
        sum(case when channels.channel is not null and touches.at_us >= assigned.at_us
            and touches.at_us < assigned.at_us + assigned.window_us then 1 else 0 end) as exposed
    from assigned
    inner join touches on assigned.person = touches.person
    left join experiments.plan_channels as channels
        on assigned.experiment = channels.experiment and touches.channel = channels.channel
    group by assigned.experiment, assigned.person
)

select
    assigned.experiment,
    assigned.person,
    assigned.arm,
    assigned.arms,
    assigned.assigned_at,
    coalesce(clusters.cluster, assigned.person) as cluster,
    cast(coalesce(counted.touches, 0) as bigint) as touches,
    cast(coalesce(counted.touches_before, 0) as bigint) as touches_before,
    cast(coalesce(counted.exposed_early, 0) as bigint) as exposed_early,
    cast(coalesce(counted.exposed, 0) as bigint) as exposed
from assigned
left join counted
    on assigned.experiment = counted.experiment and assigned.person = counted.person
left join experiments.clusters as clusters on assigned.person = clusters.person
