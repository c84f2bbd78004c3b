-- The runs that wrote this database, with what each depended on; the last one is the latest.
-- @run_id id of the run; that of Dagster where it ran there
-- @finished_at when the marts were built, UTC
-- @lydite_version version of Lydite
-- @duckdb_version version of DuckDB
-- @alpha chance of any wrong verdict in the report
-- @primary_models models that the headline speaks of, with commas between
-- @lookbacks lookback of each outcome, as JSON
-- @settings settings of the evaluation, as JSON
-- @touchpoints touchpoints that were used
-- @conversions conversions that were used
-- @users users with a touchpoint or a conversion
-- @first_touch time of the first touch, UTC
-- @last_touch time of the last touch, UTC
select
    run_id, finished_at, lydite_version, duckdb_version, alpha, primary_models, lookbacks,
    settings, touchpoints, conversions, users, first_touch, last_touch
from evaluation.runs
order by finished_at, run_id
