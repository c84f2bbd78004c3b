"""Every kind of source returns the same rows."""

import datetime as dt
import gzip
import json

import pandas as pd
import polars as pl
import pyarrow as pa
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
