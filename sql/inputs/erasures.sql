-- Accepted erasures: users whose rows are deleted from all tables.
-- @user_id md5 digest of the id of the user: the id itself is not stored
--
-- Every row of raw.erasures is returned once, with the reason to set it aside (null: none).
select
    md5(user_id) as user_id,
    source_row,
    case when user_id is null then 'missing_user_id' end as reason
from raw.erasures
