-- The users of the journeys with the person of the experiments that they are.
-- @user_key number of the user in the journeys
-- @bucket bucket of the user
-- @person the person, as in the assignments
--
-- A user whose ids were joined over time is named by one of the ids, a separator and a time; an account by
-- the word account, the separator and its name.
with named as (
    select
        user_key,
        bucket,
        user_id,
        case
            when starts_with(user_id, 'account' || chr(31))
                then 'account' || chr(31) || split_part(user_id, chr(31), 2)
            else split_part(user_id, chr(31), 1)
        end as id
    from journeys.users
),

members as (
    select account, min(user_id) as user_id from people.accounts group by account
)

select
    named.user_key,
    named.bucket,
    coalesce(persons.person, members.user_id, named.id) as person
from named
left join members on named.id = members.account
left join experiments.persons as persons on coalesce(members.user_id, named.id) = persons.user_id
