-- Source of spend: cost that is booked per day and not per touch; here, the sample data.
--
-- To use your own data, replace the select by one of your files, such as
--     select uid as user_id, ... from read_csv('exports/spend/*.csv')
-- and rename columns as listed here. Paths are relative to the folder of lydite.toml.
-- Required: date, channel, cost.
-- Optional: campaign.
select * from read_parquet('data_samples/spend.parquet')
