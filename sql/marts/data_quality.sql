-- Counts input rows by table and reason; rows that were set aside are in the schema quarantine.
-- @table_name name of the input table
-- @reason why rows were set aside; accepted, duplicate (copies of accepted rows), refund and erased count the other rows
-- @rows number of rows
select table_name, reason, rows from inputs.report order by table_name, rows desc, reason
