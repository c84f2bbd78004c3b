"""Settings of sources."""

from __future__ import annotations

import traceback
from datetime import timedelta

import pytest

from lydite.errors import InputError
from lydite.settings import DatabaseSource, parse_settings

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
