-- The version of the tables and columns of this database; one row.
-- @schema_version raised when a table or column is renamed, removed or means something else, not when one is added
-- @lydite_version version of Lydite that wrote the database
select
    cast($schema_version as integer) as schema_version,
    cast($lydite_version as varchar) as lydite_version
