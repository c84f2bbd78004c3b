"""Files: every kind is found and read, and errors name the file and the line."""

import datetime as dt
import gzip
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

HEADER = "user_id,touched_at,channel\n"
ROW = "u1,2026-03-01T09:30:00Z,search\n"
TIME = dt.datetime(2026, 3, 1, 9, 30)
ROWS = [("u1", TIME, "search"), ("u2", TIME, 'e-mail, "new"\nÉté')]
CSV = 'user_id,touched_at,channel\nu1,2026-03-01T09:30:00Z,search\nu2,2026-03-01T09:30:00Z,"e-mail, ""new""\nÉté"\n'  # noqa: E501
FRAME = pl.DataFrame(ROWS, schema=["user_id", "touched_at", "channel"], orient="row")
OBJECTS = [{"user_id": u, "touched_at": f"{t}Z", "channel": c} for u, t, c in ROWS]


def test_missing_file(refused, write, tmp_path):
    write("touchpoints.csv", HEADER + ROW)
    path = tmp_path / "touchpoint.csv"
    refused(path, path, "there is no such file", f"Did you mean '{tmp_path}/touchpoints.csv'?")


def test_missing_file_without_a_similar_name(refused, tmp_path):
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


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_csv_in_utf_16(refused, write, encoding):
    text = (HEADER + ROW).replace(",", "\t")
    mark = "" if encoding == "utf-16" else "\ufeff"
    path = write("t.csv", (mark + text).encode(encoding))
    refused(path, path, "UTF-16", "Excel", "iconv -f UTF-16 -t UTF-8")


def test_csv_that_is_not_utf8(refused, write):
    path = write("t.csv", (HEADER + ROW + "u2,2026-03-01T09:30:00Z,été\n").encode("latin-1"))
    refused(
        path, path, "not UTF-8", "line 3", "0xe9", "position 25", "iconv -f WINDOWS-1252 -t UTF-8"
    )


def test_compressed_csv_that_is_not_utf8(refused, write):
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
def test_mostly_malformed_csv(refused, write, line, why):
    path = write("t.csv", HEADER + (line + "\n") * 2 + ROW)
    refused(path, path, "CSV Error on Line: 2", why, "Correct that line")


def test_the_malformed_file_among_several_is_named(refused, write, tmp_path):
    write("a.csv", HEADER + ROW)
    bad = write("b.csv", HEADER + "u2\n")
    refused(
        tmp_path / "*.csv", f"{bad}: 1 of its 1 lines are malformed, first: CSV Error on Line: 2"
    )


@pytest.mark.parametrize("cut", [1, 4, 9])
@pytest.mark.parametrize("name", ["t.csv.gz", "t.csv.zst", "t.json.gz", "t.jsonl.zst"])
def test_a_compressed_file_that_ends_early(refused, write, name, cut):
    """DuckDB reads the first rows of such a file as if they were all."""
    text = HEADER + ROW * 5000 if ".csv" in name else json.dumps(OBJECTS)
    stream = pa.BufferOutputStream()
    kind = {"gz": "gzip", "zst": "zstd"}[name.rpartition(".")[2]]
    with pa.CompressedOutputStream(stream, kind) as compressed:
        compressed.write(text.encode())
    path = write(name, stream.getvalue().to_pybytes()[:-cut])
    refused(path, path, "ends early", "Write it under another name, and rename it")


def test_a_file_that_vanishes_while_it_is_read(engine, refused, write, monkeypatch):
    path = write("t.csv", HEADER + ROW)
    run = engine.run

    def delete_and_run(sql, *arguments):
        if "read_csv" in sql:
            path.unlink()
        run(sql, *arguments)

    monkeypatch.setattr(engine, "run", delete_and_run)
    refused(path, f"{path} vanished while it was read", "Load it again")


def test_a_variable_in_a_path(read, refused, write, monkeypatch):
    path = write("t.csv", HEADER + ROW)
    monkeypatch.setenv("EXPORTS", str(path.parent))
    monkeypatch.delenv("NOWHERE", raising=False)
    assert read("touchpoints", "${EXPORTS}/*.csv").rows == 1
    refused("${NOWHERE}/t.csv", "${NOWHERE}/t.csv", "variable NOWHERE is not set", "Set it")


def test_csv_with_a_wrong_ending(refused, write):
    refused(write("t.csv.gz", HEADER + ROW), "t.csv.gz", "cannot be read")


@pytest.mark.parametrize("text", ['[{"user_id": 1}, {"user', '{"user_id": ', "user_id"])
def test_malformed_json(refused, write, text):
    path = write("t.json", text)
    refused(path, path, "cannot be read", "Write it again as JSON objects")


@pytest.mark.parametrize("text", ["[1, 2]", "[{}]", '["a"]'])
def test_json_without_objects(refused, write, text):
    path = write("t.json", text)
    refused(path, path, "has no JSON objects with keys", "Write it again")


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


def test_a_select_without_rows(refused, write):
    refused(write("t.sql", "select 1 as user_id where false"), "t.sql", "is empty", "no rows")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_csv_dialects(read, touches, write, delimiter, line_end, mark):
    lines = ["user_id,touched_at,channel", "u1,2026-03-01 09:30:00,search", ""]
    text = mark + line_end.join(lines).replace(",", delimiter)
    assert read("touchpoints", write("t.csv", text)).rows == 1
    assert touches() == ROWS[:1]


def test_csv_of_one_column_and_one_row(engine, read, write):
    read("users", write("users.csv", "user_id\n5"))
    assert engine.rows("from inputs.users") == [("5",)]


def test_types_of_csv_cells_are_not_guessed(read, touches, write):
    text = "user_id;touched_at;channel;cost\n007;2026-03-01 09:30:00;NULL;1\n1e3;2026-03-01;true;\n"
    read("touchpoints", write("t.csv", text))
    assert touches("user_id, channel, cost") == [("007", "NULL", 1.0), ("1e3", "true", None)]


def test_one_odd_cell_late_in_a_csv_is_one_bad_row(read, write):
    good = "u,2026-03-01 09:30:00,search,1\n"
    text = "user_id,touched_at,channel,cost\n" + good * 30_000 + "u,soon,search,1\n"
    report = read("touchpoints", write("t.csv", text))
    assert (report.rows, report.bad) == (30_000, {"invalid_touched_at": 1})


def test_a_csv_header_may_end_in_a_delimiter_and_span_lines(read, touches, write):
    text = 'user_id,touched_at,channel,"two\nlines",\nu1,2026-03-01T09:30,search,,\n'
    read("touchpoints", write("t.csv", text))
    assert touches() == ROWS[:1]


def test_json_keys_of_late_rows_are_read(engine, read, write):
    early = [{"user_id": i} for i in range(3000)]
    read(
        "users",
        write("users.jsonl", "\n".join(map(json.dumps, [*early, {"user_id": "z", "k": 1}]))),
    )
    assert engine.rows("from inputs.users where k is not null") == [("z", "1")]


def test_json_values_of_mixed_types(read, touches, write):
    rows = [
        {"user_id": 5, "touched_at": "2026-03-01", "channel": "a", "cost": 1},
        {"user_id": "6", "touched_at": "2026-03-01", "channel": 7, "cost": "1.5", "x": {"y": [1]}},
        {"user_id": None, "touched_at": "2026-03-01", "channel": "a"},
    ]
    assert read("touchpoints", write("t.json", json.dumps(rows))).bad == {"missing_user_id": 1}
    assert touches("user_id, channel, cost") == [("5", "a", 1.0), ("6", "7", 1.5)]


def test_a_glob_of_csv_with_other_headers(engine, read, touches, write, tmp_path):
    write("day=1/a.csv", "user_id,touched_at,channel\nu1,2026-03-01T09:30,search\n")
    write("day=2/b.csv", "Channel;cost;USER_ID;touched_at\nmail;2;u2;2026-03-01T09:30\n")
    write("day=2/c.csv.gz", gzip.compress(b"user_id,touched_at,channel\nu3,2026-03-01T09:30,tv\n"))
    assert read("touchpoints", tmp_path / "**" / "*.csv*").rows == 3
    assert touches("user_id, channel, cost") == [
        ("u1", "search", None),
        ("u2", "mail", 2.0),
        ("u3", "tv", None),
    ]


def test_a_glob_of_parquet_with_other_types(read, touches, tmp_path):
    FRAME.with_columns(user_id=pl.lit(5)).write_parquet(tmp_path / "1.parquet")
    FRAME.with_columns(cost=pl.lit(2)).write_parquet(tmp_path / "2.parquet")
    assert read("touchpoints", str(tmp_path / "*.parquet")).rows == 4
    assert touches("user_id, cost") == [("5", None), ("5", None), ("u1", 2.0), ("u2", 2.0)]


def test_a_glob_of_json(read, touches, write, tmp_path):
    for i, row in enumerate(OBJECTS):
        write(f"{i}.json", json.dumps([row]))
    assert read("touchpoints", tmp_path / "?.json").rows == 2
    assert touches() == ROWS


@pytest.mark.parametrize("name", ["t[1].csv", "what?.csv", "o'brien *.csv", "été {a}.csv"])
def test_a_file_whose_name_looks_like_a_pattern(read, touches, write, name):
    write("t1.csv", "user_id,touched_at,channel\nother,2026-03-01,x\n")
    assert read("touchpoints", write(name, CSV)).rows == 2
    assert touches() == ROWS


def test_a_select_reads_files_from_the_working_directory(
    read, touches, write, tmp_path, monkeypatch
):
    write("events.csv", "who,at,what\nu1,2026-03-01T09:30:00Z,search\n")
    write("t.sql", "select who as user_id, \"at\" as touched_at, what as channel from 'events.csv'")
    monkeypatch.chdir(tmp_path)
    assert read("touchpoints", "t.sql").rows == 1
    assert touches() == ROWS[:1]


def test_a_select_runs_once(read, write):
    path = write(
        "t.sql",
        "select case when random() < 0.5 then 'u' end as user_id, date '2026-03-01' as touched_at,"
        " 'a' as channel from range(1000)",
    )
    report = read("touchpoints", path)
    assert report.read == 1000


def test_types_that_only_sql_returns(read, touches, write):
    path = write(
        "t.sql",
        "select '\"u1\"'::json as user_id, '\"2026-03-01T09:30:00Z\"'::json as touched_at,"
        " 'search'::enum('search', 'tv') as channel, 2::hugeint as cost",
    )
    read("touchpoints", path)
    assert touches() == ROWS[:1]
    assert touches("cost") == [(2.0,)]
