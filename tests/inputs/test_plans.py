"""Sources that are missing, empty or no sources."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lydite.errors import InputError

HEADER = "user_id,touched_at,channel\n"


def test_optional_tables_may_have_no_rows(read, write):
    assert read("spend", write("spend.csv", "date,channel,cost\n")).rows == 0
    assert read("users", write("users.json", "[]")).rows == 0
    assert read("users", pd.DataFrame()).rows == 0


def test_no_source(read_all, touchpoints):
    with pytest.raises(InputError, match="conversions: no source is given. Give a file"):
        read_all(touchpoints=touchpoints)


def test_an_object_that_is_not_a_source(refused):
    refused([1, 2], "cannot read a list", "Give a path, or a pandas")


@pytest.mark.parametrize(
    ("name", "content"), [("t.csv", HEADER), ("t.csv", ""), ("t.json", "[]"), ("t.jsonl", "")]
)
def test_empty_file(refused, write, name, content):
    path = write(name, content)
    refused(path, path, "is empty", "no rows", "Check the export")


@pytest.mark.parametrize("frame", [pd.DataFrame(), pl.DataFrame({"user_id": []}), pa.table({})])
def test_empty_frame(refused, frame):
    refused(frame, "DataFrame" if not isinstance(frame, pa.Table) else "pyarrow Table", "is empty")
