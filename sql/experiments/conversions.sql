-- Conversions of the persons of each experiment, summed by outcome, before and after assignment.
-- @experiment name of the experiment
-- @person the person
-- @outcome name of the outcome
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

near as (
    select
        assigned.experiment,
        assigned.person,
        conversions.outcome,
        conversions.value,
        conversions.at_us >= epoch_us(assigned.assigned_at) as is_after
    from experiments.assigned as assigned
    inner join experiments.plans as plans on assigned.experiment = plans.experiment
    inner join conversions on assigned.person = conversions.person
    where conversions.at_us < epoch_us(assigned.assigned_at) + plans.window_us
        and conversions.at_us >= epoch_us(assigned.assigned_at) - plans.history_us
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
