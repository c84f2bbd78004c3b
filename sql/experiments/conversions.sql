-- Conversions of the persons of each experiment, summed by outcome, before and after assignment.
-- Touches count as conversions where the experiment names their interaction as an outcome.
-- @experiment name of the experiment
-- @person the person
-- @outcome name of the outcome, or of the interaction
-- @conversions number of conversions in the window after the assignment
-- @value their value, in the currency of the data
-- @conversions_before number of conversions in the pre-period
-- @value_before their value, in the currency of the data
with conversions as (
    select
        coalesce(persons.person, found.user_id) as person,
        found.outcome,
        epoch_us(found.converted_at) as at_us,
        coalesce(found.value, 0) as value
    from experiments.counted_conversions as found
    left join experiments.persons as persons on found.user_id = persons.user_id
),

touches as (
    select
        interactions.experiment,
        coalesce(persons.person, touchpoints.user_id) as person,
        touchpoints.interaction as outcome,
        epoch_us(touchpoints.touched_at) as at_us
    from inputs.touchpoints as touchpoints
    left join experiments.persons as persons on touchpoints.user_id = persons.user_id
    inner join experiments.plan_channels as channels on touchpoints.channel = channels.channel
    inner join experiments.plan_interactions as interactions
        on channels.experiment = interactions.experiment
        and touchpoints.interaction = interactions.interaction
),

events as (
    select assigned.experiment, assigned.person, conversions.outcome, conversions.at_us, conversions.value
    from experiments.assigned as assigned
    inner join conversions on assigned.person = conversions.person
    union all
    select experiment, person, outcome, at_us, cast(0 as double) as value
    from touches
),

near as (
    select
        assigned.experiment,
        assigned.person,
        events.outcome,
        events.value,
        events.at_us >= epoch_us(assigned.assigned_at) as is_after
    from experiments.assigned as assigned
    inner join experiments.plans as plans on assigned.experiment = plans.experiment
    inner join events
        on assigned.experiment = events.experiment and assigned.person = events.person
    where events.at_us < epoch_us(assigned.assigned_at) + plans.window_us
        and events.at_us >= epoch_us(assigned.assigned_at) - plans.history_us
)

select
    experiment,
    person,
    outcome,
    cast(sum(case when is_after then 1 else 0 end) as bigint) as conversions,
    round(sum(case when is_after then value else 0 end), 6) as value,
    cast(sum(case when is_after then 0 else 1 end) as bigint) as conversions_before,
    round(sum(case when is_after then 0 else value end), 6) as value_before
from near
group by experiment, person, outcome
