-- Source of experiments: which arm of which experiment each user was assigned to; here, the sample data.
--
-- To use your own data, replace the select by one of your files, such as
--     select test as experiment, uid as user_id, ... from read_csv('exports/assignments/*.csv')
-- and rename columns as listed here. Paths are relative to the folder of lydite.toml.
-- Required: experiment, user_id, arm, assigned_at (UTC). lydite.toml declares the experiments.
select * from read_parquet('data_samples/experiments.parquet')
