-- Accepted users: one row per user; every other column is a segment, as text.
-- @user_id the user, as text
--
-- Every row of raw.users is returned once, with the reason to set it aside (null: none).
-- Of rows with the same user, the first in the order of the source is kept.
select
    user_id,
    segments,
    source_row,
    case
        when user_id is null then 'missing_user_id'
        when segments is distinct from
            first_value(segments) over (partition by user_id order by source_order)
            then 'duplicate_user_id'
    end as reason
from raw.users
