"""All tables are loaded together; a failed load changes nothing."""

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.inputs import load, load_table
from tests.helpers.input_rows import TIME, booked, row


def test_tables_without_a_source_are_empty(engine, read_all, touchpoints, conversions):
    quarantine = read_all(touchpoints=touchpoints, conversions=conversions, spend=None)
    assert {name: report.rows for name, report in quarantine.tables.items()} == {
        "touchpoints": 1,
        "conversions": 1,
        "spend": 0,
        "users": 0,
        "identities": 0,
        "erasures": 0,
        "experiments": 0,
    }
    assert quarantine.counts == {}
    assert quarantine.tables["users"].bad_share == 0
    assert engine.scalar("select count(*) from inputs.spend") == 0


def test_a_missing_source_empties_its_table(engine, read_all, touchpoints, conversions):
    sources = {"touchpoints": touchpoints, "conversions": conversions}
    read_all(**sources, spend=pl.DataFrame([booked()]))
    read_all(**sources)
    assert engine.scalar("select count(*) from inputs.spend") == 0


@pytest.mark.parametrize("path", [":memory:", "warehouse.duckdb"])
def test_an_error_leaves_the_tables_unchanged(tmp_path, touchpoints, conversions, path):
    with DuckDBEngine(path if path == ":memory:" else tmp_path / path) as engine:
        sources = {"touchpoints": touchpoints, "conversions": conversions}
        load(engine, sources | {"spend": pl.DataFrame([booked()])})
        before = _everything(engine)
        more = pd.concat([touchpoints, touchpoints, touchpoints.assign(user_id=None)])
        bad = pa.table({"user_id": pa.nulls(2, pa.string()), "converted_at": [TIME, TIME]})
        with pytest.raises(InputError, match="none of its 2 rows can be used"):
            load(engine, {"touchpoints": more, "conversions": bad})
        with pytest.raises(InputError, match="none of its 2 rows can be used"):
            load_table(engine, "conversions", bad)
        with pytest.raises(InputError, match="no such file"):
            load(engine, {"touchpoints": more, "conversions": "none.csv"})
        assert _everything(engine) == before
        load(engine, sources)  # the engine is as good as before


def _everything(engine):
    names = engine.rows(
        "select table_schema || '.' || table_name from information_schema.tables order by 1"
    )
    return {name: engine.rows(f"from {name}") for (name,) in names}


def test_no_temporary_table_stays(engine, read, write):
    read("touchpoints", write("t.csv", "user_id,touched_at,channel\n1,2026-01-01,a\n"))
    read("touchpoints", pl.DataFrame([row()]))
    names = engine.rows("select table_schema, table_name from information_schema.tables order by 2")
    assert names == [
        ("quality", "days"), ("inputs", "touchpoints"), ("quarantine", "touchpoints"),
    ]  # fmt: skip


def test_unknown_table(engine, touchpoints):
    with pytest.raises(InputError, match="no input table 'touches'.*Did you mean 'touchpoints'"):
        load(engine, {"touches": touchpoints})
