-- Accepted identities: pairs of ids that belong to one person.
-- @anonymous_id an id without a login, such as that of a cookie or a device, as text
-- @user_id the user, as text
-- @seen_at when they were first seen together, UTC
--
-- Every row of raw.identities is returned once, with the reason to set it aside (null: none).
-- In raw, blank text and invalid times are null.
select
    anonymous_id,
    user_id,
    seen_at,
    source_row,
    case
        when anonymous_id is null then 'missing_anonymous_id'
        when user_id is null then 'missing_user_id'
        when anonymous_id = user_id then 'same_id'
        when seen_at is null then 'invalid_seen_at'
        when seen_at > $now then 'future_seen_at'
    end as reason
from raw.identities
