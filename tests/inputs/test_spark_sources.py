"""Sources on Spark: the same rows are accepted as on DuckDB, and errors name the source."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pytest

from lydite import inputs
from lydite.engine import DuckDBEngine, SparkEngine
from lydite.errors import InputError
from lydite.inputs import channels
from lydite.settings import ChannelSettings
from tests.helpers import hostile_inputs as hostile
from tests.helpers.both_engines import same, stored

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 1, 1, 12, 0, 0, 1)


def test_frames_give_the_same_tables_as_on_duckdb(spark):
    sources = {
        "touchpoints": hostile.raw_touchpoints(),
        "conversions": hostile.raw_conversions(),
        "spend": hostile.raw_spend(),
        "users": hostile.raw_users(),
    }
    with DuckDBEngine(threads=1) as duck:
        found = inputs.load(duck, sources, inputs.LoadOptions(now=hostile.NOW))
        assert inputs.load(spark, sources, inputs.LoadOptions(now=hostile.NOW)) == found
        assert all(found.counts.values())
        for table in sources:
            same(duck, spark, f"from inputs.{table}")
            same(duck, spark, f"from quarantine.{table}")


def assert_same_tables(spark: SparkEngine, table: str, source: object, on_spark: object) -> None:
    """Assert that both engines accept and set aside the same rows of one table."""
    with DuckDBEngine(threads=1) as duck:
        found = inputs.load_table(duck, table, source, inputs.LoadOptions(now=hostile.NOW))
        assert (
            inputs.load_table(spark, table, on_spark, inputs.LoadOptions(now=hostile.NOW)) == found
        )
        same(duck, spark, f"from inputs.{table}")
        same(duck, spark, f"from quarantine.{table}")


def test_files_with_different_columns_give_the_same_tables(spark, tmp_path):
    touchpoints = hostile.raw_touchpoints(hostile.ZONED)
    touchpoints[:150].write_parquet(tmp_path / "touchpoints_1.parquet")
    touchpoints[150:].drop("reason").write_parquet(tmp_path / "touchpoints_2.parquet")
    files = str(tmp_path / "touchpoints_*.parquet")
    assert_same_tables(spark, "touchpoints", files, files)


def visits() -> pl.DataFrame:
    """Return visits from all kinds of sources, of users who come several times."""
    sources = [
        "google", "Facebook", "news.ycombinator.com", "paypal.com", "shop.example", "newsletter",
        "(direct)", None, " bing ", "amazon.de", "tv\r\nspot", "a%b",
    ]  # fmt: skip
    mediums = ["cpc", "organic", "referral", "(none)", None, "email", "paid_social", "a\rcpb"]
    clicks = [None, "gclid", "https://x.example/?msclkid=7&a=1", "fbclid"]
    n = 12 * 8 * 4
    return pl.DataFrame(
        {
            "user_id": [f"u{i % 31}" for i in range(n)],
            "touched_at": [NOON + timedelta(hours=i * 7 % 97) for i in range(n)],
            "source": [sources[i % 12] for i in range(n)],
            "medium": [mediums[i // 12 % 8] for i in range(n)],
            "click_ids": [clicks[i // 96] for i in range(n)],
            "referrer": [None if i % 3 else f"https://www.{sources[i % 5]}/x" for i in range(n)],
            "campaign": [("Summer Shop", "cross-network", None, "brand")[i % 4] for i in range(n)],
        }
    )


def test_channels_of_visits_are_named_as_on_duckdb(spark, tmp_path):
    """By the default groups, a mapping, click ids, referrers and excluded referrals."""
    mapping = tmp_path / "mapping.csv"
    mapping.write_text("pattern,channel\nnews* / email,Newsletter\na%b / *,Percent\n")
    names = ChannelSettings(mapping=str(mapping), exclude_referrals=["shop.example"])
    frame = visits()
    with DuckDBEngine(threads=1) as duck, SparkEngine(spark.session, prefix="visits_") as other:
        for engine in (duck, other):
            inputs.load_table(
                engine, "touchpoints", frame, inputs.LoadOptions(now=hostile.NOW, names=names)
            )
            engine.create("journeys.channels", "select distinct channel from inputs.touchpoints")
        for table in ("touchpoints", "channels_of_touchpoints"):
            same(duck, other, f"from inputs.{table}")
        assert channels.channel_notes(duck) == channels.channel_notes(other)
        rules = duck.rows("select distinct rule from inputs.channels_of_touchpoints")
        assert len(rules) == 5
        assert duck.scalar("select count(distinct channel) from inputs.touchpoints") > 10


def test_catalog_tables_and_spark_frames_give_the_same_tables(spark):
    conversions = hostile.raw_conversions()
    spark.store("own.conversions", conversions)
    assert_same_tables(spark, "conversions", conversions, "spark_catalog.lydite_own.conversions")
    frame = spark.session.table("lydite_own.conversions")
    report = inputs.load_table(spark, "conversions", frame, inputs.LoadOptions(now=hostile.NOW))
    assert report.read == len(conversions)
    assert stored(spark, "source") == []  # what was stored to be read is gone


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (
            "rows.csv",
            r"conversions \(rows.csv\): on Spark, sources are Parquet.*Convert it to Parquet",
        ),
        ("rows.json.gz", "Convert it to Parquet"),
        (
            "no_such.table",
            r"conversions \(no_such.table\): cannot be read: .*TABLE_OR_VIEW_NOT_FOUND",
        ),
        ("nowhere/*.parquet", "PATH_NOT_FOUND"),
        (3, "cannot be read. Give a path"),
        (pl.DataFrame({"user_id": ["a"]}), "lacks the required column 'converted_at'"),
        (pl.DataFrame({"user_id": ["a"], "converted_at": [1]}), "numbers of type BIGINT"),
        (pl.DataFrame({"user_id": ["a"], "converted_at": ["17"]}), "has numbers"),
        (
            pl.DataFrame({"user_id": [None], "converted_at": [NOON]}),
            "none of its 1 rows can be used",
        ),
        (pl.DataFrame({"user_id": ["a"], "converted_at": [NOON]})[:0], "is empty"),
        (pa.table({}), "is empty"),
        (
            pl.DataFrame(
                {"user_id": "a", "converted_at": ["2026-01-01T10:00Z", "2026-01-01T10:00"]}
            ),
            "mixes time zones: 1 with no zone.*1 with Z",
        ),
    ],
)
def test_a_source_that_cannot_be_used_is_refused_by_name(spark, source, message):
    with pytest.raises(InputError, match=message):
        inputs.load_table(spark, "conversions", source, inputs.LoadOptions(now=hostile.NOW))


def test_a_damaged_file_is_named(spark, tmp_path: Path):
    file = tmp_path / "conversions.parquet"
    pl.DataFrame({"user_id": ["a" * 99] * 999, "converted_at": [NOON] * 999}).write_parquet(file)
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + b"\xff" * 60 + whole[64:])
    with pytest.raises(InputError, match=r"conversions \(.*conversions.parquet\): cannot be read"):
        inputs.load_table(spark, "conversions", str(file), inputs.LoadOptions(now=hostile.NOW))


@pytest.mark.parametrize(
    ("source", "parts"),
    [
        (
            inputs.DatabaseSource(select="t.sql", database="postgresql://u:${P}@h/db"),
            ["t.sql in postgresql://u:${P}@h/db", "Load the rows into a table of the catalog"],
        ),
        (
            "https://h/t.parquet?token=hunter2",
            ["token=***", "Copy the file to the cluster's store"],
        ),
        ("${NOT_SET}/t.parquet", ["NOT_SET is not set"]),
    ],
)
def test_sources_that_only_duckdb_reads_are_refused(spark, monkeypatch, source, parts):
    monkeypatch.delenv("NOT_SET", raising=False)
    with pytest.raises(InputError) as caught:
        inputs.load_table(spark, "touchpoints", source, inputs.LoadOptions(now=hostile.NOW))
    assert all(part in str(caught.value) for part in ["touchpoints (", *parts])
    assert "hunter2" not in str(caught.value)
