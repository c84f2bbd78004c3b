"""Settings of sources."""

from __future__ import annotations

import traceback
from datetime import timedelta

import pytest

from lydite.errors import InputError
from lydite.settings import DatabaseSource, parse_settings
from tests.helpers.settings import SOURCES

DATABASE = {"select": "orders.sql", "database": "postgresql://u:${PASSWORD}@h/shop"}


def parse_source(value):
    sources = {"touchpoints": "t.parquet", "conversions": value}
    return parse_settings({"sources": sources}, "lydite.toml").sources.conversions


def test_a_table_of_a_source_names_a_select_and_its_database():
    source = parse_source({**DATABASE, "watermark": "changed_at", "look_back": "3d", "key": "id"})
    assert isinstance(source, DatabaseSource)
    assert (source.look_back, source.key, source.is_postgres) == (timedelta(days=3), "id", True)
    assert str(source) == "orders.sql in postgresql://u:${PASSWORD}@h/shop"
    assert not parse_source({"select": "orders.sql", "database": "crm.duckdb"}).is_postgres


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (5, "conversions = 5: Input should be a valid string"),
        ({"select": "orders.sql"}, "conversions.database: this setting is required"),
        ({**DATABASE, "select": "select 1"}, "conversions: select must name a .sql file"),
        ({**DATABASE, "look_back": "1d"}, "conversions: look_back and key need a watermark"),
        ({**DATABASE, "watermark": "x", "look_back": 3}, "conversions.look_back = 3: write it in"),
        (
            {"select": "orders.sql", "database": "crm.duckdb", "watermark": "x"},
            "conversions: a DuckDB file is always read whole: leave out watermark",
        ),
    ],
)
def test_wrong_settings_of_a_database(value, message):
    with pytest.raises(InputError) as caught:
        parse_source(value)
    assert f"lydite.toml: sources.{message}" in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "https://example.com/orders.csv?token=hunter2",
        "https://u:hunter2@example.com/orders.csv",
        {**DATABASE, "database": "postgresql://u:hunter2@h/shop"},
        {**DATABASE, "database": "postgresql://u@h/shop?password=hunter2"},
        {**DATABASE, "password": "hunter2"},
        {**DATABASE, "databse": "postgresql://u:hunter2@h/shop"},
    ],
)
def test_secrets_in_settings_are_refused_and_not_shown(value):
    with pytest.raises(InputError) as caught:
        parse_source(value)
    shown = "".join(traceback.format_exception(caught.value))
    assert "hunter2" not in shown
    assert "***" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spark.hadoop.fs.s3a.secret.key", "env:KEY"),
        ("spark.hadoop.fs.s3a.access.key", "${file:/run/secrets/key}"),
        ("spark.hadoop.fs.azure.account.key.shop.dfs.core.windows.net", "${KEY}"),
        ("spark.hadoop.fs.s3a.aws.credentials.provider", "org.example.Provider"),
        ("spark.kubernetes.driver.secrets.spark-secret", "/etc/secrets"),
        ("spark.yarn.tokens.enabled", "true"),
    ],
)
def test_settings_of_spark_refer_to_secrets(load, name, value):
    settings = load(SOURCES + f'[engine.spark]\n"{name}" = "{value}"\n')
    assert settings.engine.spark == {name: value}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spark.hadoop.fs.s3a.secret.key", "hunter2"),
        ("spark.hadoop.fs.azure.account.key.shop.dfs.core.windows.net", "hunter2"),
        ("spark.hadoop.javax.jdo.option.ConnectionPassword", "hunter2"),
        ("spark.sql.catalog.shop.url", "jdbc:postgresql://u:hunter2@h/shop"),
    ],
)
def test_secrets_in_settings_of_spark_are_refused(load, name, value):
    with pytest.raises(InputError) as error:
        load(SOURCES + f'[engine.spark]\n"{name}" = "{value}"\n')
    assert "is a secret" in str(error.value) or "a secret is written" in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize("text", ["env:SHOP", "file:/run/secrets/shop.db", "${file:/run/shop.db}"])
def test_a_whole_reference_is_a_url_of_postgresql(text):
    assert DatabaseSource(select="a.sql", database=text).is_postgres
