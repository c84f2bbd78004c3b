"""The Parquet file of the credit of touches: parts that have not changed are copied."""

from __future__ import annotations

import json

import polars as pl
import pyarrow.parquet as pq
import pytest

from lydite.models import make_models
from lydite.parquet import ParquetPart
from lydite.pipeline import attribute_conversions, touch_credit, touch_credit_file
from lydite.pipeline.touch_credit_file import write_touch_credit


@pytest.fixture
def credited(engine):
    attribute_conversions(engine, make_models(["linear", "last_touch"]), None)
    touch_credit.name_touches(engine)
    return engine


@pytest.fixture
def write(credited, tmp_path, monkeypatch):
    """Write the file over that of the call before; return it and the parts that were not copied."""
    file, written = tmp_path / "out.parquet", []
    plain = touch_credit_file._write_part

    def noted(engine, path, week):
        written.append(week)
        plain(engine, path, week)

    monkeypatch.setattr(touch_credit_file, "_write_part", noted)

    def write() -> tuple[pl.DataFrame, list[object]]:
        written.clear()
        write_touch_credit(credited, tmp_path / "new", file)
        (tmp_path / "new").replace(file)
        assert [path.name for path in tmp_path.iterdir()] == [file.name]
        return pl.read_parquet(file), [*written]

    return write


def test_the_rows_are_those_of_the_select_in_their_order(credited, write):
    rows, written = write()
    assert rows.equals(credited.frame(touch_credit.SELECT))
    assert len(written) == len(set(written)) > 5


def test_nothing_is_written_again_without_changes(write, tmp_path):
    rows, _ = write()
    content = (tmp_path / "out.parquet").read_bytes()
    again, written = write()
    assert not written
    assert again.equals(rows)
    assert (tmp_path / "out.parquet").read_bytes() == content


@pytest.mark.parametrize(
    "change",
    [
        "update credit.touch_credit set linear = linear + 1e-6 where {one}",
        "update credit.touch_credit set campaign = 'other' where {one}",
        "delete from credit.touch_credit where {one}",
        "update journeys.conversions set conversion_id = 'another' where {one}",
    ],
)
def test_the_week_of_a_change_is_written_again(credited, write, change):
    write()
    [first] = credited.rows(
        "select outcome, user_key, conversion, cast(cast(date_trunc('week', converted_at) as date)"
        " as varchar) from credit.touch_credit order by all limit 1"
    )
    one = "outcome = '{}' and user_key = {} and conversion = {}".format(*first)
    credited.run(change.format(one=one))
    rows, written = write()
    assert written == [(first[0], first[3])]
    assert rows.equals(credited.frame(touch_credit.SELECT))


def test_the_last_digits_of_sums_do_not_count(credited, write):
    before, _ = write()
    credited.run("update credit.touch_credit set linear = linear + 1e-15")
    rows, written = write()
    assert not written
    assert rows.equals(before)


def test_all_weeks_are_written_again_when_a_channel_was_renamed(credited, write):
    _, first = write()
    credited.run("update journeys.channels set channel = 'renamed' where channel_key = 0")
    rows, written = write()
    assert written == first
    assert "renamed" in rows["channel"]


def test_what_is_not_as_it_was_written_is_written_again(credited, write, tmp_path):
    rows, first = write()
    file = tmp_path / "out.parquet"
    [(outcome, monday, _, start, end, *_), *_] = json.loads(
        ParquetPart.whole(file).metadata["parts"]
    )
    content = bytearray(file.read_bytes())
    content[(start + end) // 2] ^= 255
    file.write_bytes(content)
    again, written = write()
    assert written == [(outcome, monday)]
    assert again.equals(rows)
    for other in (b"", content[: len(content) // 2], b"PAR1" * 4):
        file.write_bytes(other)
        again, written = write()
        assert written == first
        assert again.equals(rows)
    pq.write_table(pq.read_table(file), file)  # rewritten by another program
    assert write()[1] == first


def test_a_file_without_rows_has_the_columns(credited, write):
    rows, _ = write()
    credited.run("delete from credit.touch_credit")
    credited.run("update journeys.conversions set path_length = 0")
    empty, _ = write()
    assert empty.schema == rows.schema
    assert not len(empty)


def test_touches_of_another_engine_are_written(credited, write):
    credited.create("credit.copied", "from credit.named_touches")
    before = credited.frame(touch_credit.SELECT)
    for table in ("credit.named_touches", "credit.touch_credit"):
        credited.drop(table)
    credited.create("credit.named_touches", "from credit.copied")
    rows, first = write()
    assert rows.equals(before)
    credited.run(
        "update credit.named_touches set channel = 'x'"
        " where converted_at = (select min(converted_at) from credit.named_touches)"
    )
    assert len(write()[1]) == 1 < len(first)
