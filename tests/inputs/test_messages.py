"""Every refusal names the place, the value and the mend, in one sentence or two."""

import datetime as dt
import gzip
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lydite.errors import InputError
from lydite.inputs import load

HEADER = "user_id,touched_at,channel\n"
ROW = "u1,2026-03-01T09:30:00Z,search\n"
TIME = dt.datetime(2026, 3, 1, 9, 30)


@pytest.fixture
def refused(read):
    """Load touchpoints that are refused; check that the message has all the parts."""

    def refused(source, *parts, table="touchpoints"):
        with pytest.raises(InputError) as caught:
            read(table, source)
        message = str(caught.value)
        assert "\n" not in message
        for part in (table, *map(str, parts)):
            assert part in message, message

    return refused


# --- which sources ------------------------------------------------------------------------------


def test_no_source(read_all, touchpoints):
    with pytest.raises(InputError, match="conversions: no source is given. Give a file"):
        read_all(touchpoints=touchpoints)


def test_unknown_table(engine, touchpoints):
    with pytest.raises(InputError, match="no input table 'touches'.*Did you mean 'touchpoints'"):
        load(engine, {"touches": touchpoints})


def test_what_is_no_source(refused):
    refused([1, 2], "cannot read a list", "Give a path, or a pandas")


# --- files --------------------------------------------------------------------------------------


def test_missing_file(refused, write, tmp_path):
    write("touchpoints.csv", HEADER + ROW)
    path = tmp_path / "touchpoint.csv"
    refused(path, path, "there is no such file", f"Did you mean '{tmp_path}/touchpoints.csv'?")


def test_missing_file_unlike_any_other(refused, tmp_path):
    refused(tmp_path / "x.csv", "no such file", "Correct the path", tmp_path)


def test_missing_folder(refused, tmp_path):
    refused(tmp_path / "exports" / "t.csv", "There is no folder", tmp_path / "exports", "correct")


def test_a_glob_that_matches_nothing(refused, tmp_path):
    refused(tmp_path / "*.csv", tmp_path / "*.csv", "no file matches", "Correct the pattern")


def test_a_folder(refused, tmp_path):
    refused(tmp_path, "is a folder", f"'{tmp_path}/*.parquet'")


@pytest.mark.parametrize("name", ["t.xlsx", "t", "t.parquet.gz", "t.gz", "t.sql.gz"])
def test_unknown_ending(refused, write, name):
    refused(write(name, ROW), name, "Name it .parquet, .csv, .json, .ndjson, .jsonl, .sql")


def test_a_glob_of_several_kinds(refused, write, tmp_path):
    write("a.csv", HEADER + ROW)
    write("b.json", "[]")
    refused(tmp_path / "*", "a.csv", "b.json", "Narrow the pattern")


@pytest.mark.parametrize("content", [b"", b"PAR1 no, not at all", b"PAR1" * 100])
def test_corrupt_parquet(refused, write, content):
    path = write("t.parquet", content)
    refused(path, path, "cannot be read", "write it again")


@pytest.mark.parametrize("offset", [4, 40, -60])
def test_parquet_damaged_inside(refused, tmp_path, offset):
    path = tmp_path / "t.parquet"
    users = [f"user {i * i}" for i in range(2000)]
    pq.write_table(
        pa.table({"user_id": users, "touched_at": [TIME] * 2000, "channel": users}), path
    )
    content = bytearray(path.read_bytes())
    content[offset : offset + 30] = b"\xff" * 30
    path.write_bytes(content)
    refused(path, path, "cannot be read", "write it again")


def test_csv_that_is_not_utf8(refused, write):
    path = write("t.csv", (HEADER + ROW + "u2,2026-03-01T09:30:00Z,été\n").encode("latin-1"))
    refused(
        path, path, "not UTF-8", "line 3", "0xe9", "position 25", "iconv -f WINDOWS-1252 -t UTF-8"
    )


def test_csv_in_utf16(refused, write):
    path = write("t.csv", (HEADER + ROW).encode("utf-16"))
    refused(path, path, "not UTF-8", "line 1", "0xff", "iconv")


def test_packed_csv_that_is_not_utf8(refused, write):
    path = write("t.csv.gz", gzip.compress((HEADER + ROW + "é").encode("latin-1")))
    refused(path, path, "not UTF-8", "line 3", "iconv")


def test_json_that_is_not_utf8(refused, write):
    path = write("t.json", '[{"user_id": "é"}]'.encode("latin-1"))
    refused(path, path, "not UTF-8", "0xe9", "iconv")


def test_sql_that_is_not_utf8(refused, write):
    refused(write("t.sql", "select 'é'".encode("latin-1")), "not UTF-8", "0xe9", "iconv")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("u2,2026-03-01T09:30:00Z", "Expected Number of Columns: 3 Found: 2"),
        ("u2,2026-03-01T09:30:00Z,a,b", "Expected Number of Columns: 3 Found: 4"),
        ('u2,2026-03-01T09:30:00Z,"a', "unterminated quote"),
    ],
)
def test_malformed_csv(refused, write, line, why):
    path = write("t.csv", HEADER + ROW + line + "\n")
    refused(path, path, "CSV Error on Line: 3", why, "Correct that line")


def test_the_malformed_one_of_many_csv_is_named(refused, write, tmp_path):
    write("a.csv", HEADER + ROW)
    bad = write("b.csv", HEADER + "u2\n")
    refused(tmp_path / "*.csv", f"{bad}: CSV Error on Line: 2")


def test_csv_with_a_false_ending(refused, write):
    refused(write("t.csv.gz", HEADER + ROW), "t.csv.gz", "cannot be read")


@pytest.mark.parametrize("text", ['[{"user_id": 1}, {"user', '{"user_id": ', "user_id"])
def test_malformed_json(refused, write, text):
    path = write("t.json", text)
    refused(path, path, "cannot be read", "Write it again as JSON objects")


@pytest.mark.parametrize("text", ["[1, 2]", "[{}]", '["a"]'])
def test_json_without_objects(refused, write, text):
    path = write("t.json", text)
    refused(path, path, "has no JSON objects with keys", "Write it again")


# --- SQL ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("select * from nowhere", ["the select fails", "nowhere does not exist"]),
        ("select * from 'nowhere.parquet'", ["the select fails", "nowhere.parquet"]),
        ("select 'x'::int as user_id", ["the select fails", "Could not convert string 'x'"]),
        ("selec 1", ["not valid SQL", "syntax error", "selec"]),
        ("select 1; select 2", ["has select and select", "must be one select"]),
        ("create table x as select 1", ["has create", "must be one select"]),
        ("-- nothing yet", ["has nothing", "must be one select"]),
        ("select $day as user_id", ["has parameters (day)", "Write their values"]),
        ("select 1 as user_id, 2 as user_id", ["'user_id' occurs 2 times", "Rename or drop"]),
    ],
)
def test_sql(refused, write, sql, parts):
    path = write("t.sql", sql)
    refused(path, path, *parts)


def test_a_select_that_yields_nothing(refused, write):
    refused(write("t.sql", "select 1 as user_id where false"), "t.sql", "is empty", "no rows")


# --- columns ------------------------------------------------------------------------------------


def test_missing_column(refused, write):
    path = write("t.csv", "userid,touched_at,source\nu1,2026-03-01,a\n")
    refused(
        path,
        path,
        "lacks the required columns 'user_id', 'channel'",
        "it has 'userid', 'touched_at', 'source'",
        "did you mean 'user_id' for 'userid'?",
        "Rename the columns",
    )


def test_missing_column_of_a_frame(refused):
    frame = pl.DataFrame({"user_id": [1], "Time": [TIME], "channel": ["a"]})
    refused(frame, "polars DataFrame", "lacks the required column 'touched_at'", "it has 'user_id'")


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


def test_a_frame_that_arrow_cannot_hold(refused):
    frame = pl.DataFrame({"user_id": pl.Series([object()], dtype=pl.Object)})
    refused(frame, "polars DataFrame", "'user_id' has Python objects", "Cast the column")
    for odd in ([1 + 2j], pd.Series(["\ud800"], dtype=object)):
        refused(pd.DataFrame({"user_id": odd}), "pandas DataFrame", "cannot be read", "Cast the")


def test_a_lazy_frame_that_fails(refused):
    refused(pl.scan_csv("nowhere.csv"), "polars LazyFrame", "cannot be read", "nowhere.csv")


# --- rows ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content"), [("t.csv", HEADER), ("t.csv", ""), ("t.json", "[]"), ("t.jsonl", "")]
)
def test_empty_file(refused, write, name, content):
    path = write(name, content)
    refused(path, path, "is empty", "no rows", "Check the export")


@pytest.mark.parametrize("frame", [pd.DataFrame(), pl.DataFrame({"user_id": []}), pa.table({})])
def test_empty_frame(refused, frame):
    refused(frame, "DataFrame" if not isinstance(frame, pa.Table) else "pyarrow Table", "is empty")


def test_no_row_can_be_used(refused, write):
    path = write("t.csv", HEADER + "u1,01/02/2026,a\nu1,soon,a\n,2026-03-01,a\n")
    refused(
        path,
        path,
        "none of its 3 rows can be used: 2 invalid_touched_at, 1 missing_user_id",
        "such as touched_at = '01/02/2026'",
        "write it as ISO-8601",
    )


def test_no_row_can_be_used_and_there_is_no_value_to_show(refused):
    frame = pl.DataFrame({"user_id": ["u"], "touched_at": [TIME], "channel": [None]})
    refused(frame, "1 missing_channel. What to do: channel is null or blank; fill it")


# --- times --------------------------------------------------------------------------------------


def frame_of(times):
    return pd.DataFrame({"user_id": "u", "Touched_At": times, "channel": "a"})


def test_mixed_zones_in_text(refused, write):
    rows = ["2026-03-01T09:30:00Z", "2026-03-01T09:30:00+00:00", "2026-03-01 09:30:00"]
    rows += ["2026-03-01T09:30:00+0200", "bad"]
    path = write("t.csv", HEADER + "".join(f"u,{row},a\n" for row in rows))
    refused(
        path,
        path,
        "'touched_at' mixes time zones",
        "1 with no zone (such as '2026-03-01 09:30:00')",
        "1 with Z (such as '2026-03-01T09:30:00Z')",
        "1 with +00:00",
        "1 with +0200",
        "Convert it to UTC",
        ".sql source",
    )


def test_mixed_zones_in_a_frame_of_objects(refused):
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    summer = dt.datetime(2026, 6, 1, tzinfo=zone)
    for other in (TIME, TIME.replace(tzinfo=dt.UTC), TIME.replace(tzinfo=zone)):
        frame = frame_of(pd.Series([summer, summer, other], dtype=object))
        refused(frame, "pandas DataFrame", "'Touched_At'", "2 with +02:00", "1 with ", "Convert it")


def test_mixed_named_zones(refused):
    times = ["2026-03-01 09:30:00 Europe/Berlin", "2026-03-01 09:30:00 UTC"]
    refused(frame_of(times), "1 with Europe/Berlin", "1 with UTC")


def test_mixed_zones_of_spend(refused):
    frame = pl.DataFrame({"date": ["2026-03-01", "2026-03-01T00:00Z"], "channel": "a", "cost": 1})
    refused(frame, "'date' mixes time zones", table="spend")


@pytest.mark.parametrize(
    "times",
    [
        [1_772_000_000],
        [1_772_000_000.5],
        np.array([1], dtype=np.uint8),
        ["1772000000", "", "17720000"],
    ],
)
def test_numbers_as_times(refused, times):
    refused(
        frame_of(times), "'Touched_At' has numbers", "such as 1", "to_timestamp(", ".sql source"
    )


def test_numbers_as_times_in_json(refused, write):
    path = write("t.json", '[{"user_id": 1, "touched_at": 1772000000, "channel": "a"}]')
    refused(path, path, "such as 1772000000", "unit is unknown")


def test_other_types_as_times(refused):
    refused(frame_of([True]), "'Touched_At' has the type BOOLEAN", "such as True", "Cast it")
