"""The machine's limits: the work is really done."""

from __future__ import annotations

import duckdb

from benchmarks import limits
from benchmarks.data import make_paths


def test_every_touch_is_sorted_into_the_table(tmp_path):
    file = tmp_path / "it's paths.parquet"
    table = make_paths(40)
    table.write_parquet(file)
    with duckdb.connect() as connection:
        connection.execute(limits.statement(str(file)))
        found = connection.execute("from touches").fetchall()
    assert found == [
        (path, position, channel)
        for path, steps in enumerate(table["path"])
        for position, channel in enumerate(steps.split(" > "), 1)
    ]
    assert limits.sorted_touches(str(file)).keys() == {"seconds", "seconds_cpu"}
