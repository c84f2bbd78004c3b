-- The source of spend: put your own select here; the sample data is an example.
select * from read_parquet('data_samples/spend.parquet')
