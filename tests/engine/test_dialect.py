"""Tests of the translation to Spark: rewritten constructs, and errors for all others."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from lydite.engine import load_sql, sql_directory
from lydite.engine.dialect import UntranslatableError, translate
from lydite.journeys.direct import sql_parameters

NOON = datetime(2026, 1, 1, 12, 0, 0, 1)


def put(expression: str, **parameters: object) -> str:
    return translate(f"select {expression}", parameters).removeprefix("SELECT ")


# --- values and names -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "NULL"),
        (True, "TRUE"),
        (7, "7"),
        (-7, "-7"),
        (2_592_000_000_000, "2592000000000"),
        (0.1, "CAST('0.1' AS DOUBLE)"),
        ("it's \\d", r"'it\'s \\d'"),
        (NOON, "CAST('2026-01-01 12:00:00.000001' AS TIMESTAMP_NTZ)"),
        (NOON.replace(tzinfo=UTC), "CAST('2026-01-01 12:00:00.000001+00:00' AS TIMESTAMP)"),
        (date(2026, 1, 1), "CAST('2026-01-01' AS DATE)"),
        (["a", None], "ARRAY('a', NULL)"),
    ],
)
def test_a_parameter_becomes_a_literal_of_the_type_that_duckdb_binds(value, text):
    assert put("$value", value=value) == text


def test_a_parameter_without_value_or_of_unknown_type_is_an_error():
    with pytest.raises(UntranslatableError, match=r"\$value has no value"):
        put("$value")
    with pytest.raises(UntranslatableError, match="a set cannot be a parameter"):
        put("$value", value={1})


def test_tables_are_renamed_and_keep_an_alias_for_columns():
    names = {"journeys.users": "x_journeys.users", "raw.users": "`x__users`"}
    text = translate(
        "with a as (from raw.users) select users.n from journeys.users join a using (n)",
        rename=lambda name: names.get(name, name),
    )
    assert "FROM `x__users` AS users" in text
    assert "FROM x_journeys.users AS users" in text


def test_invalid_duckdb_sql_is_an_error():
    with pytest.raises(UntranslatableError, match="not valid DuckDB SQL"):
        translate("select from where")


# --- rewritten ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("duckdb", "spark"),
    [
        ("epoch_us(t)", "UNIX_MICROS(CAST(t AS TIMESTAMP))"),
        ("make_timestamp(n)", "CAST(TIMESTAMP_MICROS(n) AS TIMESTAMP_NTZ)"),
        (
            "make_timestamp(epoch_us(t))",
            "CAST(TIMESTAMP_MICROS(UNIX_MICROS(CAST(t AS TIMESTAMP))) AS TIMESTAMP_NTZ)",
        ),
        ("n * 1.5", "n * CAST('1.5' AS DOUBLE)"),
        ("n / 3.6e9", "n / 3.6e9"),
        ("instr('abc', s)", "LOCATE(s, 'abc')"),
        ("cast(n as hugeint)", "CAST(n AS DECIMAL(38, 0))"),
        ("cast('0x' || s as bigint)", "CAST(CONV(s, 16, 10) AS BIGINT)"),
        ("cast(s as timestamp)", "CAST(s AS TIMESTAMP_NTZ)"),
        ("trunc(x)", "CASE WHEN x < 0 THEN CEIL(x) ELSE FLOOR(x) END"),
        ("try(decode(b))", "TRY_VALIDATE_UTF8(CAST(b AS STRING))"),
        ("unnest(range(1, 51))", "EXPLODE(SEQUENCE(1, 50))"),
        ("struct_pack(a := b)", "STRUCT(b AS a)"),
        (
            "string_agg(x, ',' order by y)",
            "LISTAGG(x, ',') WITHIN GROUP (ORDER BY y NULLS LAST)",
        ),
        (
            "concat('n ', n)",
            "CONCAT(COALESCE(CAST('n ' AS STRING), ''), COALESCE(CAST(n AS STRING), ''))",
        ),
        ("error('no')", "RAISE_ERROR('no')"),
        ("row_number() over ()", "MONOTONICALLY_INCREASING_ID()"),
        ("any_value(x)", "ANY_VALUE(x) IGNORE NULLS"),
        (r"regexp_full_match(s, '\d+|x')", r"REGEXP_LIKE(s, '^(?:\\d+|x)\\z')"),
        (r"regexp_replace(s, '^(\d)', '<\1>')", r"REGEXP_REPLACE(s, '^(\\d)', '<$1>')"),
        ("regexp_replace(s, 'a', 'b', 'g')", "REGEXP_REPLACE(s, 'a', 'b')"),
        ("regexp_extract(s, 'a.')", "REGEXP_EXTRACT(s, '(?d)a.', 0)"),
        (r"regexp_matches(s, '^a\.b')", r"REGEXP_LIKE(s, '^a\\.b')"),
        ("min_by(a, b)", "MIN_BY(a, b) FILTER(WHERE NOT a IS NULL)"),
        ("trim(s)", r"REGEXP_REPLACE(s, '^\\p{Zs}+|\\p{Zs}+\\z', '')"),
    ],
)
def test_a_construct_is_translated(duckdb, spark):
    assert put(duckdb).upper() == spark.upper()


def test_a_control_character_is_a_literal_written_out_or_escaped():
    assert put("chr(31)") in {"'\x1f'", r"'\037'"}


def test_nulls_are_last():
    ordered = "row_number() over (order by a, b desc)"  # with desc, Spark has them last by itself
    assert put(ordered) == "ROW_NUMBER() OVER (ORDER BY a NULLS LAST, b DESC)"


def test_window_bounds_are_evaluated():
    window = "min(x) over (order by t range between $n - 1 preceding and current row)"
    assert "BETWEEN 3599999999 PRECEDING" in put(window, n=3_600_000_000).upper()


@pytest.mark.parametrize("kind", ["double", "timestamptz"])
def test_only_text_that_duckdb_parses_is_cast(kind):
    assert "RLIKE" in put(f"try_cast(s as {kind})").upper()


# --- refused --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expression",
    [
        "list(x order by y)",
        "string_agg(x, ',')",
        "date_diff('day', a, b)",
        "quantile_cont(x, 0.5)",
        "percentile_cont(0.5) within group (order by x)",
        "median(x)",
        "x[1:2]",
        "x[1]",
        "hash(x)",
        "strftime(t, '%Y')",
        "json_extract_string(x, '$')",
        "try(x + 1)",
        "regexp_replace(s, 'a', 'b')",
        "regexp_replace(s, 'a', '$', 'g')",
        "regexp_full_match(s, 'a$')",
        "trim(s, 'x')",
        "chr(n)",
        "* replace (a as b) from t",
        "a from t union by name select b from u",
        "* from t qualify row_number() over (order by a) = 1",
        r"regexp_extract(s, '\v')",
    ],
)
def test_what_has_another_meaning_on_spark_is_an_error(expression):
    with pytest.raises(UntranslatableError):
        put(expression)


def test_an_asof_join_is_an_error():
    with pytest.raises(UntranslatableError, match="ASOF"):
        translate("select * from a asof join b on a.t >= b.t")


FILES = [
    *(sql_directory() / "inputs").glob("*.sql"),
    *(sql_directory() / "journeys").glob("*.sql"),
    *(sql_directory() / "people").glob("*.sql"),
    *(sql_directory() / "experiments").glob("*.sql"),
    sql_directory() / "evaluation" / "landmarks.sql",
    sql_directory() / "credit" / "conversion_paths.sql",
]


@pytest.mark.parametrize("file", sorted(FILES), ids=lambda file: file.stem)
def test_every_file_that_runs_on_spark_can_be_translated(file):
    values = {
        "outcome": "lead", "lookback_us": 1, "mature_until": NOON, "from_at": NOON,
        "until_at": NOON, "buckets": 9, "now": NOON,
        "keep_duplicates": True, "restarts": True, "first_only": False, "reporting": "EUR",
        "milestone": None, "experiment": "email",
        **sql_parameters(),
    }  # fmt: skip
    assert translate(load_sql(f"{file.parent.name}/{file.stem}"), values)
