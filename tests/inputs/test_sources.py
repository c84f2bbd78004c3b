"""Every kind of source gives the same rows, whatever form its values came in."""

import datetime as dt
import decimal
import gzip
import json
import uuid
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

TIME = dt.datetime(2026, 3, 1, 9, 30)
ROWS = [("u1", TIME, "search"), ("u2", TIME, 'e-mail, "new"\nÉté')]
CSV = 'user_id,touched_at,channel\nu1,2026-03-01T09:30:00Z,search\nu2,2026-03-01T09:30:00Z,"e-mail, ""new""\nÉté"\n'  # noqa: E501
FRAME = pl.DataFrame(ROWS, schema=["user_id", "touched_at", "channel"], orient="row")
OBJECTS = [{"user_id": u, "touched_at": f"{t}Z", "channel": c} for u, t, c in ROWS]


@pytest.fixture
def files(write, tmp_path):
    """The same two rows in a file of each kind."""

    def files(kind):
        lines = "\n".join(map(json.dumps, OBJECTS))
        match kind:
            case "parquet":
                FRAME.write_parquet(tmp_path / "t.parquet")
                return tmp_path / "t.parquet"
            case "csv":
                return write("t.csv", CSV)
            case "csv.gz":
                return write("t.CSV.gz", gzip.compress(CSV.encode()))
            case "csv.zst":
                with pa.CompressedOutputStream(str(tmp_path / "t.csv.zst"), "zstd") as stream:
                    stream.write(CSV.encode())
                return tmp_path / "t.csv.zst"
            case "json":
                return write("t.json", json.dumps(OBJECTS))
            case "json.gz":
                return write("t.json.gz", gzip.compress(json.dumps(OBJECTS).encode()))
            case "sql":
                FRAME.write_parquet(tmp_path / "t.parquet")
                return write("t.sql", f"-- all\nselect * from '{tmp_path}/t.parquet'; -- end\n")
            case _:
                return write(f"t.{kind}", lines)

    return files


@pytest.mark.parametrize(
    "kind",
    ["parquet", "csv", "csv.gz", "csv.zst", "json", "json.gz", "ndjson", "jsonl", "sql"],
)
@pytest.mark.parametrize("form", [str, lambda path: path])
def test_files_of_every_kind(read, touches, files, kind, form):
    assert read("touchpoints", form(files(kind))).rows == 2
    assert touches() == ROWS


@pytest.mark.parametrize(
    "frame",
    [
        FRAME,
        FRAME.lazy(),
        FRAME.with_columns(pl.col("channel").cast(pl.Categorical)),
        FRAME.with_columns(pl.col("touched_at").dt.replace_time_zone("UTC")),
        FRAME.with_columns(pl.col("touched_at").cast(pl.Datetime("ns"))),
        FRAME.with_columns(pl.col("touched_at").cast(pl.Datetime("ms"))),
        FRAME.with_columns(pl.col("channel").cast(pl.Binary)),
        FRAME.to_arrow(),
        FRAME.to_arrow().to_batches()[0],
        FRAME.to_pandas(),
        FRAME.to_pandas().astype(object),
        FRAME.to_pandas().astype({"channel": "category", "user_id": "category"}),
        FRAME.to_pandas().set_index(pd.Index([7, 7])),
        FRAME.to_pandas().iloc[::-1],
    ],
    ids=str,
)
def test_frames_of_every_kind(read, touches, frame):
    assert read("touchpoints", frame).rows == 2
    assert touches() == ROWS


def test_order_and_case_of_columns_do_not_count(read, touches):
    frame = FRAME.select("channel", "touched_at", pl.lit(1).alias("extra"), "user_id")
    read("touchpoints", frame.rename(str.upper).rename({"CHANNEL": " Channel "}))
    assert touches() == ROWS


# --- user ids -----------------------------------------------------------------------------------

UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")


def users_of(read, touches, ids):
    """Return the texts of the ids that were accepted."""
    rows = {"user_id": ids, "touched_at": [TIME] * len(ids), "channel": ["a"] * len(ids)}
    frame = pa.table(rows) if isinstance(ids, pa.Array) else pd.DataFrame(rows)
    read("touchpoints", frame)
    return [user for (user,) in touches("user_id")]


@pytest.mark.parametrize(
    ("ids", "texts"),
    [
        ([5, 6], ["5", "6"]),
        ([5.0, np.nan], ["5"]),
        ([5.5, 1e15, -3.0], ["-3", "1000000000000000", "5.5"]),
        (["5", "5.0"], ["5", "5.0"]),
        ([5, "5", 5.0, decimal.Decimal(5), "a"], ["5", "5", "5", "5", "a"]),
        ([UUID, None], [str(UUID)]),
        ([True, "x"], ["True", "x"]),
        ([b"a", None], ["a"]),
        (pd.array([5, None], dtype="Int64"), ["5"]),
        (pd.Categorical([5, 6, None]), ["5", "6"]),
        (pd.Categorical(["x", None, "y"]), ["x", "y"]),
        (pd.Categorical([1.0, 2.0]), ["1", "2"]),
        (np.array([2**64 - 1, 1], dtype=np.uint64), ["1", "18446744073709551615"]),
        (pa.array([decimal.Decimal("5.00")]), ["5"]),
        (pa.array([decimal.Decimal("5.25")]), ["5.25"]),
        (pa.array([float("nan"), 7.0], pa.float32()), ["7"]),
        (pa.array([b"\xc3\xa9", b"z"]), ["z", "é"]),
        (pa.array(["x", "y", "x"]).dictionary_encode(), ["x", "x", "y"]),
    ],
)
def test_user_ids_become_text(read, touches, ids, texts):
    assert users_of(read, touches, ids) == texts


def test_user_ids_of_uuid_type_in_parquet(engine, read, touches, tmp_path):
    engine.run(
        f"copy (select uuid '{UUID}' as user_id, date '2026-03-01' as touched_at, 'a' as channel)"
        f" to '{tmp_path}/t.parquet'"
    )
    read("touchpoints", tmp_path / "t.parquet")
    assert touches() == [(str(UUID), dt.datetime(2026, 3, 1), "a")]


# --- times --------------------------------------------------------------------------------------


def times_of(read, touches, times):
    """Return the times that were accepted, in the order given."""
    count = len(times)
    frame = pd.DataFrame(
        {"user_id": range(100, 100 + count), "touched_at": times, "channel": ["a"] * count}
    )
    read("touchpoints", frame)
    return [time for (time,) in touches("touched_at")]


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-01T09:30:00Z",
        "2026-03-01 09:30:00Z",
        "2026-03-01T09:30:00z",
        "2026-03-01T09:30Z",
        "2026-03-01T09:30:00.000000000Z",
        "2026-03-01T09:30:00,000Z",
        " 2026-03-01T09:30:00Z\t",
        "2026-03-01 09:30:00 UTC",
        "2026-03-01T09:30:00",
        "2026-03-01 09:30",
        "2026-03-01T10:30:00+01:00",
        "2026-03-01T10:30:00+0100",
        "2026-03-01 10:30:00+01",
        "2026-03-01 10:30 +01:00",
        "2026-03-01T10:30:00.000 +01:00",
        "2026-03-01T04:00:00-05:30",
        "2026-03-01 10:30:00 Europe/Berlin",
    ],
)
def test_text_is_read_as_a_time_in_utc(read, touches, text):
    assert times_of(read, touches, [text]) == [TIME]


def test_spellings_of_one_zone_may_mix(read, touches):
    spellings = ["Z", "z", "+00:00", "+0000", "+00", "-00:00", " UTC"]
    times = [f"2026-03-01T09:30:00{zone}" for zone in spellings]
    assert times_of(read, touches, times) == [TIME] * len(spellings)
    times = [f"2026-03-01T11:30:00{zone}" for zone in ("+02", "+0200", "+02:00")]
    assert times_of(read, touches, times) == [TIME] * 3


def test_what_is_no_time_does_not_count_as_a_zone(read, touches):
    odd = ["n/a", "", None, "2026-02-30", "2026-02-30T25:00+05:00", "20260301", "2026-03-01T9:3X"]
    assert times_of(read, touches, ["2026-03-01T09:30:00Z", *odd]) == [TIME]


def test_dates_are_midnight(read, touches):
    midnight = dt.datetime(2026, 3, 1)
    assert times_of(read, touches, ["2026-03-01"]) == [midnight]
    assert times_of(read, touches, [midnight.date()]) == [midnight]
    assert times_of(read, touches, pa.array([midnight.date()]).to_pandas()) == [midnight]


def test_zones_of_typed_columns_are_converted(read, touches):
    berlin = pd.to_datetime(["2026-03-01T10:30", "2026-06-01T11:30", None]).tz_localize(
        "Europe/Berlin"
    )
    assert times_of(read, touches, berlin) == [TIME, dt.datetime(2026, 6, 1, 9, 30)]


def test_objects_of_one_offset_are_converted(read, touches):
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    times = [dt.datetime(2026, 3, day, 10, 30, tzinfo=zone) for day in (1, 2)]
    assert times_of(read, touches, pd.Series(times, dtype=object)) == [
        TIME,
        TIME + dt.timedelta(days=1),
    ]


def test_the_precision_of_parquet_does_not_matter(read, touches, tmp_path):
    for unit in ("s", "ms", "us", "ns"):
        table = FRAME.to_arrow().set_column(
            1, "touched_at", pa.array([TIME] * 2, pa.timestamp(unit))
        )
        pq.write_table(table, tmp_path / "t.parquet")
        read("touchpoints", tmp_path / "t.parquet")
        assert touches() == ROWS


def test_days_of_spend_come_from_dates_times_and_text(engine, read):
    day = dt.date(2026, 3, 1)
    for value in (day, dt.datetime(2026, 3, 1, 23), "2026-03-01", "2026-03-01T23:00:00Z"):
        read("spend", pl.DataFrame({"date": [value], "channel": ["a"], "cost": [1]}))
        assert engine.rows("select date, cost from inputs.spend") == [(day, 1.0)]


# --- numbers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "costs",
    [
        ["2", "0.5", "", " 1e0 "],
        [2, 0.5, None, 1],
        [decimal.Decimal(2), decimal.Decimal("0.5"), None, decimal.Decimal(1)],
        np.array([2, 0.5, np.nan, 1], dtype=np.float32),
        [2, "0.5", np.nan, 1.0],
    ],
)
def test_numbers_of_every_form(read, touches, costs):
    frame = pd.DataFrame({"user_id": list("abcd"), "touched_at": TIME, "channel": "x"})
    assert read("touchpoints", frame.assign(cost=costs)).bad == {}
    assert touches("cost") == [(2.0,), (0.5,), (None,), (1.0,)]


def test_one_odd_object_late_in_a_frame_is_one_bad_row(read):
    frame = pd.DataFrame({"user_id": "u", "touched_at": TIME, "channel": "x"}, index=range(5000))
    costs = pd.Series([1.0] * 4999 + ["odd"], dtype=object)
    report = read("touchpoints", frame.assign(cost=costs))
    assert (report.rows, report.bad) == (4999, {"invalid_cost": 1})


def test_infinite_objects_are_not_finite(read):
    frame = pd.DataFrame({"user_id": list("abc"), "touched_at": TIME, "channel": "x"})
    costs = pd.Series([decimal.Decimal("inf"), float("-inf"), "1"], dtype=object)
    assert read("touchpoints", frame.assign(cost=costs)).bad == {"not_finite_cost": 2}


# --- CSV ----------------------------------------------------------------------------------------


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


def test_csv_cells_are_not_guessed(read, touches, write):
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


# --- JSON ---------------------------------------------------------------------------------------


def test_a_key_that_comes_late_in_json_is_read(engine, read, write):
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


# --- many files ---------------------------------------------------------------------------------


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


# --- SQL ----------------------------------------------------------------------------------------


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


def test_types_that_only_sql_has(read, touches, write):
    path = write(
        "t.sql",
        "select '\"u1\"'::json as user_id, '\"2026-03-01T09:30:00Z\"'::json as touched_at,"
        " 'search'::enum('search', 'tv') as channel, 2::hugeint as cost",
    )
    read("touchpoints", path)
    assert touches() == ROWS[:1]
    assert touches("cost") == [(2.0,)]
