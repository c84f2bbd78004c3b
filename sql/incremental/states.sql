-- The state of every user: a digest of all rows that the user's journeys are laid out from.
-- @user_id the user as the sources name them
-- @digest sum of the hashes of the rows: no matter in which order they come, and a row that comes twice counts twice
--
-- The hash is DuckDB's own and may differ from version to version: states are compared within one.
with hashed as (
    select user_id, hash(touchpoints) as row_hash from inputs.touchpoints as touchpoints
    union all
    select user_id, hash(conversions) as row_hash from inputs.conversions as conversions
)

select user_id, sum(row_hash) as digest
from hashed
group by user_id
