-- Source of touchpoints: contacts of users with channels; here, the sample data.
--
-- To use your own data, replace the select by one of your files, such as
--     select uid as user_id, ... from read_csv('exports/touchpoints/*.csv')
-- and rename columns as listed here. Paths are relative to the folder of lydite.toml.
-- Required: user_id, touched_at (UTC), channel.
-- Optional: campaign, interaction, cost, touchpoint_id.
select * from read_parquet('data_samples/touchpoints.parquet')
