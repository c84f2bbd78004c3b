"""Rows of sources: column names are unique, whatever their case."""

import datetime as dt

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lydite.errors import InputError
from lydite.inputs.source_rows import (
    is_read_error,
    normalise_name,
    refuse_duplicate_columns,
    short_message,
)

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


def test_messages_of_engines_are_cut_to_one_line():
    error = duckdb.IOException(
        "IO Error: No magic bytes found\nat end of file 'x'.\n\nLINE 1: select\n        ^"
    )
    assert short_message(error) == "No magic bytes found; at end of file 'x'"
    spark = RuntimeError("[FAILED_READ_FILE.NO_HINT] Encountered error. SQLSTATE: KD001 JVM ...")
    assert short_message(spark) == "FAILED_READ_FILE.NO_HINT: Encountered error"
    assert len(short_message(duckdb.Error("x" * 10_000))) < 500


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (duckdb.IOException("gone"), True),
        (duckdb.ConversionException("'x' is not a number"), True),
        (duckdb.Error("corrupt"), True),
        (duckdb.BinderException("no such column"), False),
        (RuntimeError("[FAILED_READ_FILE.NO_HINT] x"), True),
        (RuntimeError("[UNRESOLVED_COLUMN] x"), False),
    ],
)
def test_errors_about_data_are_recognised(error, expected):
    assert is_read_error(error) is expected


def test_names_are_compared_without_case_and_blanks():
    assert normalise_name(" User_ID\t") == "user_id"
    with pytest.raises(InputError, match=r"t: the column name 'a' occurs 2 times \('a', ' A'"):
        refuse_duplicate_columns("t", ["a", "b", " A"])
