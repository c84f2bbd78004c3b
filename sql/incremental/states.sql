-- Computes a digest of all input rows of each user, to find users whose journeys must be rebuilt.
-- @user_id id of the user in the sources
-- @digest sum of the hashes of the rows and the cluster: independent of their order, and sensitive to duplicates
--
-- DuckDB's hash may change with the version, so digests are compared within one version only.
with hashed as (
    select user_id, hash(touchpoints) as row_hash from people.touchpoints as touchpoints
    union all
    select user_id, hash(conversions) as row_hash from people.conversions as conversions
),

digests as (
    select user_id, sum(row_hash) as digest from hashed group by user_id
)

select digests.user_id, digests.digest + hash(clusters.cluster) as digest
from digests
left join journeys.clusters as clusters on digests.user_id = clusters.user_id
