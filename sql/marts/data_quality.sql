-- Rows that were set aside, by table and reason; the rows themselves are in quarantine.
-- @table_name the input table
-- @reason why rows were set aside; accepted and duplicate count the others
-- @rows how many rows
select table_name, reason, rows from inputs.report order by table_name, rows desc, reason
