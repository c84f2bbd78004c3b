-- Source of conversions: events that the business wants; here, the sample data.
--
-- To use your own data, replace the select by one of your files, such as
--     select uid as user_id, ... from read_csv('exports/conversions/*.csv')
-- and rename columns as listed here. Paths are relative to the folder of lydite.toml.
-- Required: user_id, converted_at (UTC).
-- Optional: outcome, value, conversion_id.
select * from read_parquet('data_samples/conversions.parquet')
