-- The source of conversions: put your own select here; the sample data is an example.
select * from read_parquet('data_samples/conversions.parquet')
