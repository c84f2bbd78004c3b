-- Lists the positions on a path of each length; a join on the length expands paths to their touches.
-- @path_length touches on the path, 1..50
-- @position 1 for the first touch .. path_length for the last
select cast(lengths.n as smallint) as path_length, cast(positions.n as smallint) as position
from (select unnest(range(1, 51)) as n) as lengths
inner join (select unnest(range(1, 51)) as n) as positions on positions.n <= lengths.n
