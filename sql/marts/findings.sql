-- What was wrong with the data in the last run, such as missing or stray rows.
-- @kind name by which the finding is accepted in the settings
-- @table_name input table
-- @outcome outcome that it concerns, null for all
-- @first_day first day that it concerns, null where it concerns no days
-- @last_day last day that it concerns
-- @text what was found, its effect, and what to do
-- @blocking whether nothing may be published until it is fixed or accepted
select kind, table_name, outcome, first_day, last_day, text, blocking
from quality.findings
order by kind, table_name, outcome, text
