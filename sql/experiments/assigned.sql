-- Persons of each experiment, with the first assignment of any of their ids.
-- @experiment name of the experiment
-- @person the person: the user, or one of the ids that belong together
-- @arm the arm; the first by name of several
-- @arms number of different arms that the person was assigned to
-- @assigned_at time of the first assignment, UTC
select
    assignments.experiment,
    coalesce(persons.person, assignments.user_id) as person,
    min(assignments.arm) as arm,
    count(distinct assignments.arm) as arms,
    min(assignments.assigned_at) as assigned_at
from inputs.experiments as assignments
left join experiments.persons as persons on assignments.user_id = persons.user_id
group by assignments.experiment, coalesce(persons.person, assignments.user_id)
