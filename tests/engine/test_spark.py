"""Tests of the Spark engine: tables, transactions, results, and equality with DuckDB."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from lydite.attribution.converted_paths import converted_path_tables
from lydite.engine import DuckDBEngine, SparkEngine
from lydite.engine import spark as module
from lydite.errors import InputError
from lydite.journeys import build_path_events_and_conversions, build_touches, count_repeats
from lydite.settings import PathOptions
from tests.helpers import hostile_inputs as hostile
from tests.helpers.both_engines import same, stored

if TYPE_CHECKING:
    from collections.abc import Iterator


NOON = datetime(2026, 1, 1, 12, 0, 0, 1)
FRAME = pl.DataFrame(
    {
        "n": [1, 2, None],
        "x": [0.1, None, float("nan")],
        "s": ["it's \\d", None, "🙂"],
        "t": [NOON, None, datetime(1969, 12, 31, 23, 59, 59, 999999)],
        "z": pl.Series([NOON.replace(tzinfo=UTC), None, None], dtype=pl.Datetime("us", "UTC")),
        "b": [True, None, False],
    }
)


# --- tables ---------------------------------------------------------------------------------------


def test_a_stored_frame_is_returned_unchanged(spark):
    spark.store("t.frame", FRAME)
    assert_frame_equal(spark.frame("from t.frame"), FRAME, check_row_order=False)
    assert spark.columns("t.frame") == {
        "n": "BIGINT",
        "x": "DOUBLE",
        "s": "VARCHAR",
        "t": "TIMESTAMP",
        "z": "TIMESTAMP WITH TIME ZONE",
        "b": "BOOLEAN",
    }


def test_results_as_rows_arrays_and_scalars(spark):
    spark.store("t.frame", FRAME)
    assert spark.rows("select n, s, t from t.frame where n = $n", {"n": 1}) == [
        (1, "it's \\d", NOON)
    ]
    assert spark.scalar("select count(*) from t.frame where t <= $noon", {"noon": NOON}) == 2
    assert spark.scalar("select n from t.frame where n = 9") is None
    arrays = spark.fetch_numpy("select n, b, s from t.frame where n is not null and b order by n")
    assert arrays["n"].tolist() == [1]
    assert arrays["b"].dtype == bool
    assert arrays["s"].tolist() == ["it's \\d"]
    assert spark.threads >= 1


def test_tables_are_replaced_appended_to_and_dropped(spark):
    spark.append("t.numbers", "select 1 as n, 'one' as name")
    spark.append("t.numbers", "select 'two' as name, 2 as n")
    assert sorted(spark.rows("from t.numbers")) == [(1, "one"), (2, "two")]
    spark.create("t.numbers", "select n + 1 as n from t.numbers")  # may read what it replaces
    assert sorted(spark.rows("from t.numbers")) == [(2,), (3,)]
    assert sum(name.startswith("numbers") for name in stored(spark, "t")) == 2
    spark.drop("t.numbers")
    spark.drop("t.numbers")
    assert not spark.exists("t.numbers")
    assert not any(name.startswith("numbers") for name in stored(spark, "t"))


def test_a_failed_create_leaves_the_old_table_and_no_files(spark):
    spark.create("t.kept", "select 1 as n")
    before = stored(spark, "t")
    with pytest.raises(spark.error):
        spark.create("t.kept", "select cast(2147483647 as integer) + n as n from t.kept")
    assert spark.rows("from t.kept") == [(1,)]
    assert stored(spark, "t") == before


def test_views_follow_their_table_and_are_replaced_and_dropped(spark):
    spark.create("t.base", "select 1 as n")
    spark.create_view("t.doubled", "select 2 * n as n from t.base")
    spark.create("t.base", "select 4 as n")
    assert spark.exists("t.doubled")
    assert spark.scalar("select doubled.n from t.doubled") == 8
    spark.create_view("t.doubled", "select 3 * n as n from t.base")
    assert spark.scalar("select n from t.doubled") == 12
    spark.drop("t.doubled")
    assert not spark.exists("t.doubled")


def test_rows_are_appended_locally_in_order_and_copied_back(spark):
    spark.store("t.frame", FRAME)
    spark.local.drop("t.gathered")
    spark.append_local("t.gathered", "select n, s, t from t.frame order by n desc nulls last")
    spark.append_local("t.gathered", "select n + $more as n from t.frame where n = 1", {"more": 7})
    assert spark.local.rows("select n, s from t.gathered") == [
        (2, None), (1, "it's \\d"), (None, "🙂"), (8, None),
    ]  # fmt: skip
    spark.copy_from_local("t.gathered")
    same(spark.local, spark, "from t.gathered")


def test_an_expression_with_another_meaning_is_an_error(spark):
    assert spark.translation_error("power(0.5, hours_before_end / 24)") is None
    assert "median" in spark.translation_error("median(position)").lower()
    with pytest.raises(spark.error, match="too heavy"):
        spark.scalar("select cast(error('too heavy') as double)")


def test_comments_of_a_file_are_set_on_table_and_columns(spark):
    spark.create("journeys.positions", "journeys/positions")
    spark.comment("journeys.positions", "journeys/positions")
    comments = {
        row[0]: row[2] for row in spark.session.sql("describe lydite_journeys.positions").collect()
    }
    assert comments["position"] == "1 for the first touch .. path_length for the last"
    assert spark.comments("journeys.positions")["position"] == comments["position"]
    assert spark.comments("journeys.nothing") == {}
    assert spark.scalar("select count(*) from journeys.positions") == 1275


def replace_and_fail(spark: SparkEngine) -> None:
    spark.create("t.first", "select 2 as n")
    spark.create("t.second", "select n + 1 as n from t.first")
    assert spark.rows("from t.second") == [(3,)]
    raise InputError


def test_a_transaction_replaces_all_tables_or_none(spark):
    spark.create("t.first", "select 1 as n")
    with pytest.raises(InputError), spark.transaction():
        replace_and_fail(spark)
    assert spark.rows("from t.first") == [(1,)]
    assert not spark.exists("t.second")
    with spark.transaction():
        spark.create("t.first", "select 2 as n")
        spark.create("t.second", "select n + 1 as n from t.first")
        spark.create("t.second", "select n + 9 as n from t.first")
        spark.drop("t.first")
    assert not spark.exists("t.first")
    assert spark.rows("from t.second") == [(11,)]
    assert not any(name.startswith("first") for name in stored(spark, "t"))


def test_a_given_session_is_restored_and_keeps_running(spark):
    zone = "spark.sql.session.timeZone"
    spark.session.conf.set(zone, "Asia/Tokyo")
    try:
        with SparkEngine(spark.session, prefix="other_") as other:
            assert other.scalar("select epoch_us($t)", {"t": datetime(1970, 1, 1)}) == 0
            other.create("t.first", "select 5 as n")
            assert other.rows("from t.first") == [(5,)]
        assert spark.session.conf.get(zone) == "Asia/Tokyo"
    finally:
        spark.session.conf.set(zone, "UTC")
    assert spark.scalar("select 1") == 1


def test_missing_java_or_packages_are_errors_with_advice(monkeypatch):
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(module, "_running", lambda: None)
    with pytest.raises(InputError, match="needs Java, and none was found.*default-jre-headless"):
        SparkEngine()
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    with pytest.raises(InputError, match="JAVA_HOME is /nowhere, which has no bin/java"):
        SparkEngine()
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with pytest.raises(InputError, match=r"needs pyspark.*pip install 'lydite\[spark\]'"):
        SparkEngine()


def test_pyspark_is_imported_only_when_an_engine_is_created():
    code = "import sys, lydite; sys.exit('pyspark' in sys.modules or 'sqlglot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# --- what is rewritten, on both engines -----------------------------------------------------------

TEXT = [*hostile.TIMES, *hostile.ZONED, *hostile.NUMBERS, *hostile.CHANNELS]


@pytest.mark.parametrize(
    "expression",
    [
        "epoch_us(t), make_timestamp(n * 1000001), make_timestamp(epoch_us(z))",
        "try_cast(s as double)",
        "make_timestamp(epoch_us(coalesce(try_cast(s as timestamptz), null)))",
        "md5(s), lower(s), upper(md5(s)), instr(s, '0'), substr(s, 2, 3), nullif(s, '')",
        r"regexp_replace(s, '^[\s\x0B\p{Z}\x{FEFF}]+|[\s\x0B\p{Z}\x{FEFF}]+\z', '', 'g')",
        r"regexp_full_match(s, '\d{1,4}[-:]?\d*'), regexp_extract(s, '[A-Z].*')",
        r"regexp_replace(s, '^(\d+)-(\d+)', '\2<\1>')",
        "cast(trunc(x) as integer), isnan(x), cast(x as float), abs(x) >= 1e3",
        "power(0.5, x / 24.0), floor(x), round(x / 7, 9), concat('n ', n, null, ' of ', x > 0)",
        "cast('0x' || substr(md5(s), 1, 15) as bigint) >> 52",
        "case when n > 1000 then cast(error('too large') as double) else n end",
        "x / 3, n / 3, n % 3, cast(-n * 1.5 as double)",
        "try_cast(try_cast(trunc(x) as hugeint) as varchar)",
        "least(n, 3, null), greatest(x, 0.5), coalesce(null, n), s is distinct from null",
        "sum(n) over w, rank() over w from rows window w as (partition by n % 2 order by s, n)",
        (
            "lag(n, 2) over w, lead(s) over w, first_value(x) over w"
            " from rows window w as (partition by n % 2 order by s, n)"
        ),
        "row_number() over (order by s, n) from rows",
        "row_number() over (order by s desc, n) from rows",
        "min(n) over (order by n range between 10 - 1 preceding and current row) from rows",
        "count(*), count(distinct s), sum(n), min(s), max(s) from rows",
        "count(*) filter (where n > 3) from rows",
        "string_agg(s, ' > ' order by n desc) from rows",
        "trim(s), starts_with(s, '2026'), ends_with(s, '0'), contains(s, ':')",
        "split_part(s, '-', 2), 'account' || chr(31) || n, regexp_matches(s, '^.9') from rows",
        "min_by(s, n), min_by(nullif(s, ''), n), bool_or(n > 9) from rows",
    ],
)
def test_a_construct_has_the_same_result_on_both_engines(spark, both_rows, expression):
    tail = "" if " from rows" in expression else " from rows"
    summed = any(name in expression for name in ("count(*)", "string_agg", "min_by"))
    names = "" if summed else "n, s, "
    same(both_rows, spark, f"select {names}{expression}{tail}".replace("from rows", "from t.rows"))


def test_a_list_of_parameters_is_the_same_on_both_engines(spark, both_rows):
    select = "select s from t.rows where n in (select unnest($some))"
    same(both_rows, spark, select, {"some": [1, 2, None]})


def test_every_row_has_another_uuid_on_both_engines(spark, both_rows):
    select = "select count(distinct u) from (select uuid() as u from t.rows)"
    assert spark.scalar(select) == both_rows.scalar(select) == len(TEXT)


@pytest.fixture(scope="module")
def both_rows(spark: SparkEngine) -> Iterator[DuckDBEngine]:
    """Put the same hostile rows into both engines; yield DuckDB."""
    n = len(TEXT)
    frame = pl.DataFrame(
        {
            "s": TEXT,
            "n": list(range(-9, n - 9)),
            "x": [float(i) * 0.7 - 20 for i in range(n)],
            "t": [NOON.replace(year=1900 + i % 200, second=i % 60) for i in range(n)],
        }
    ).with_columns(z=pl.col("t").dt.replace_time_zone("UTC"))
    spark.store("t.rows", frame)
    with DuckDBEngine(threads=1) as duck:
        duck.store("t.rows", frame)
        yield duck


# --- time zones -----------------------------------------------------------------------------------

#: Days on which clocks change: by an hour, by half an hour, and by a whole day that is left out.
CHANGES = {
    "Europe/Berlin": [datetime(2024, 3, 31), datetime(2024, 10, 27)],
    "America/New_York": [datetime(2024, 3, 10), datetime(2024, 11, 3)],
    "Australia/Lord_Howe": [datetime(2024, 4, 7), datetime(2024, 10, 6)],
    "Pacific/Apia": [datetime(2011, 12, 30)],
}


@pytest.mark.parametrize("zone", CHANGES)
def test_local_times_are_the_same_on_both_engines(spark, zone):
    """Around changes of the clock, also for times that occur twice or not at all."""
    steps = [timedelta(minutes=15 * step) for step in range(-24, 120)]
    frame = pl.DataFrame({"t": [day + step for day in CHANGES[zone] for step in steps]})
    select = "select t, local_time(t) as local, from_local_time(t) as utc from zones.times"
    with DuckDBEngine(threads=1) as duck, SparkEngine(spark.session, prefix="z_") as other:
        for engine in (duck, other):
            engine.local.set_timezone(zone)
            engine.store("zones.times", frame)
        same(duck, other, select)
        assert duck.scalar(f"select count(*) from ({select}) where local = t or utc = t") == 0


# --- journeys -------------------------------------------------------------------------------------


SPEND = {"date": pl.Date, "channel": pl.String, "campaign": pl.String, "cost": pl.Float64}


#: Paths of one outcome restart after a conversion; those of the others continue.
PATHS = {min(hostile.LOOKBACKS): PathOptions(after_conversion="restart")}


@pytest.fixture(scope="module")
def built(spark: SparkEngine) -> Iterator[DuckDBEngine]:
    """Build the journeys of the same hostile data on both engines; yield DuckDB."""
    with DuckDBEngine(threads=1) as duck:
        found = []
        for engine in (duck, spark):
            engine.store("inputs.touchpoints", hostile.touchpoints())
            engine.store("inputs.conversions", hostile.conversions())
            engine.store("inputs.spend", pl.DataFrame(schema=SPEND))
            found.append(build_touches(engine))
            build_path_events_and_conversions(engine, hostile.LOOKBACKS, PATHS)
        assert found[0] == found[1]
        yield duck


@pytest.mark.parametrize(
    "table",
    ["users", "channels", "touches", "positions", "path_events", "conversions", "path_touches"],
)
def test_journeys_are_the_same_on_both_engines(spark, built, table):
    assert built.scalar(f"select count(*) from journeys.{table}") > 20
    same(built, spark, f"from journeys.{table}")


def test_conversions_without_a_new_touch_are_the_same_on_both_engines(spark, built):
    for outcome, lookback in hostile.LOOKBACKS.items():
        repeats = count_repeats(built, outcome, lookback)
        assert count_repeats(spark, outcome, lookback) == repeats
    assert repeats


def test_equal_touchpoints_are_kept_on_both_engines(spark, built):
    with DuckDBEngine(threads=1) as duck:
        for engine in (duck, spark):
            for table in ("touchpoints", "conversions", "spend"):
                engine.store(f"inputs.{table}", built.frame(f"from inputs.{table}"))
            kept = build_touches(engine, keep_duplicates=True)
            assert kept.touches > built.scalar("select count(*) from journeys.touches")
        same(duck, spark, "from journeys.touches")
        build_touches(spark)


def test_the_hostile_data_is_hostile(built):
    """The equality above would be worth little if nothing of this were in the data."""
    assert built.scalar("select max(path_length) from journeys.path_events") == 50
    assert built.scalar("select count(*) from journeys.conversions where path_length = 0") > 20
    at_touches = (
        "select count(*) from journeys.conversions inner join journeys.touches"
        " using (user_key) where converted_at = touched_at"
    )
    assert built.scalar(at_touches) > 20
    instants = "select distinct user_key, outcome, converted_at from journeys.conversions"
    conversions = built.scalar("select count(*) from journeys.conversions")
    assert conversions - built.scalar(f"select count(*) from ({instants})") > 20


def test_landmarks_and_converted_paths_are_the_same_on_both_engines(spark, built):
    for outcome in hostile.LOOKBACKS:
        values = {"outcome": outcome, "mature_until": datetime(2026, 2, 15), "buckets": 200}
        same(built, spark, "evaluation/landmarks", values)
        with (
            converted_path_tables(built, outcome, 40),
            converted_path_tables(spark, outcome, 40),
        ):
            same(built, spark, "from credit.paths")
