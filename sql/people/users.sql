-- The users by person, over time: each person has the row of the user or account that names it.
-- @user_id the person
with accounts as (
    select account, min(user_id) as user_id from people.accounts group by account
),

described as (
    select nodes.person, coalesce(accounts.user_id, nodes.root) as user_id
    from people.nodes as nodes
    left join accounts on nodes.root = accounts.account
)

select described.person as user_id, users.* exclude (user_id)
from inputs.users as users
inner join described on users.user_id = described.user_id
union all
select users.user_id, users.* exclude (user_id)
from inputs.users as users
where users.user_id not in (select person from people.nodes)
