-- Source of users: one row per user, every other column a segment; here, the sample data.
--
-- To use your own data, replace the select by one of your files, such as
--     select uid as user_id, ... from read_csv('exports/users/*.csv')
-- and rename columns as listed here. Paths are relative to the folder of lydite.toml.
-- Required: user_id.
-- Optional: customer_type, region, or any other.
select * from read_parquet('data_samples/users.parquet')
