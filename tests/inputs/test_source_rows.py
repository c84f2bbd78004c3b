"""Rows of sources: column names are unique, whatever their case."""

import datetime as dt

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TIME = dt.datetime(2026, 3, 1, 9, 30)


@pytest.mark.parametrize("names", [["user_id", "user_id"], ["user_id", "User_ID"]])
@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "pandas", "arrow"])
def test_a_column_name_twice(refused, write, tmp_path, names, kind):
    table = pa.table([["u1"], ["u2"], [TIME], ["a"]], names=[*names, "touched_at", "channel"])
    match kind:
        case "csv":
            source = write("t.csv", f"{','.join(table.column_names)}\nu1,u2,2026-03-01,a\n")
        case "json":
            first, second = names
            source = write("t.jsonl", f'{{"{first}": 1, "x": 1}}\n{{"{second}": 1}}\n')
            if first == second:
                source = write("t.json", f'[{{"{first}": 1, "{second}": 2}}]')
        case "parquet":
            source = tmp_path / "t.parquet"
            pq.write_table(table, source)
        case "pandas":
            source = pd.DataFrame([["u1", "u2", TIME, "a"]], columns=table.column_names)
        case "arrow":
            source = table
    if kind == "json" and names[0] == names[1]:
        refused(source, 'duplicate key "user_id"')
    else:
        refused(source, "user_id", "occurs 2 times", "Rename or drop all but one")
