"""What the machine itself needs for the work that no tool can do without: the bounds of ratios."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from benchmarks.measure import Stopwatch

if TYPE_CHECKING:
    from benchmarks.measure import Figures

_SORTED_TOUCHES = """
create table touches as
with paths as (
    select file_row_number as path, string_split(path, ' > ') as steps
    from read_parquet('{file}', file_row_number = true)
),
touches as (
    select path, generate_subscripts(steps, 1) as position, unnest(steps) as channel from paths
)
from touches order by path, position
"""


def sorted_touches(file: str) -> Figures:
    """Read a path table, split its paths into touches and sort these by path and position."""
    watch = Stopwatch()
    with watch("seconds"), duckdb.connect() as connection:
        connection.execute(statement(file)).fetchall()
    return watch.seconds


def sorted_by_user(file: str) -> Figures:
    """Read touchpoints and sort them by user and time."""
    watch = Stopwatch()
    with watch("seconds"), duckdb.connect() as connection:
        name = file.replace("'", "''")
        connection.execute(
            f"create table touches as from read_parquet('{name}') order by user_id, touched_at"
        ).fetchall()
    return watch.seconds


def statement(file: str) -> str:
    """Return the statement that makes the table ``touches``."""
    # The name is written into the text: to bind one, DuckDB imports pandas and PyArrow first.
    return _SORTED_TOUCHES.format(file=file.replace("'", "''"))
