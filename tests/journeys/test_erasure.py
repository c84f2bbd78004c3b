"""Tests of erasures: the rows of a user vanish from all tables, and sums that were stored stay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import polars as pl
import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.journeys.erasure import erase_users
from lydite.models import choose
from lydite.publishing import publish, touch_credit_path
from lydite.settings import PeopleSettings, make_settings
from lydite.simulation import simulate
from tests.helpers.input_tables import make_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SETTINGS = make_settings(lookback="14d")


@pytest.fixture
def engine() -> Iterator[DuckDBEngine]:
    with DuckDBEngine(threads=1) as engine:
        yield engine


def tables_with(path: Path, text: str) -> set[str]:
    """Return all columns of a DuckDB file in which a text occurs."""
    found = set()
    with duckdb.connect(str(path), read_only=True) as reader:
        columns = reader.execute(
            "select schema_name, table_name, column_name from duckdb_columns()"
            " where not internal and database_name = current_database()"
        ).fetchall()
        for schema, table, column in columns:
            name = f'"{schema}"."{table}"'
            query = f'select count(*) from {name} where contains(cast("{column}" as varchar), $id)'
            if reader.execute(query, {"id": text}).fetchone() != (0,):
                found.add(f"{schema}.{table}.{column}")
    return found


def sources(*erased: str) -> dict[str, pl.DataFrame]:
    """Return input tables; ``person-1`` converts, and also has the ids of two cookies."""
    world = simulate("linear", users=800, seed=1)
    touchpoints = world.touchpoints.with_columns(pl.col("user_id").cast(pl.String))
    conversions = world.conversions.with_columns(pl.col("user_id").cast(pl.String))
    start = touchpoints["touched_at"].min()
    rows = [("person-1", 3), ("cookie-2", 1), ("cookie-3", 2), ("cookie-4", 2)]
    more = pl.DataFrame(
        [(user, start, channel) for user, days in rows for channel in ("email", "ads")[:days]],
        schema=["user_id", "touched_at", "channel"],
        orient="row",
    )
    touchpoints = pl.concat(
        [touchpoints.select(more.columns), more.cast(dict(touchpoints.select(more.columns).schema))]
    )
    bad = pl.DataFrame(
        {"user_id": ["cookie-2", None], "touched_at": [start] * 2, "channel": [None, "person-1"]}
    )
    touchpoints = pl.concat([touchpoints, bad.cast(dict(touchpoints.schema))])
    bought = conversions.head(1).with_columns(
        user_id=pl.lit("person-1"), converted_at=pl.lit(start)
    )
    given = {
        "touchpoints": touchpoints,
        "conversions": pl.concat([conversions, bought]),
        "users": pl.DataFrame({"user_id": ["person-1", "other"], "country": ["de", "fr"]}),
        "identities": pl.DataFrame(
            {
                "anonymous_id": ["cookie-2", "cookie-3", "cookie-5"],
                "user_id": ["person-1", "person-1", "other"],
                "seen_at": [start] * 3,
            }
        ),
    }
    if erased:
        given["erasures"] = pl.DataFrame({"user_id": list(erased)})
    return given


IDS = ("person-1", "cookie-2", "cookie-3")


def test_an_erased_user_is_in_no_table(tmp_path):
    warehouse, published = tmp_path / "warehouse.duckdb", tmp_path / "attribution.duckdb"
    rivals = choose(["linear", "last_touch"])

    def run(*erased: str) -> pl.DataFrame:
        with DuckDBEngine(warehouse, threads=2) as engine:
            pipeline.run(engine, sources(*erased), SETTINGS, rivals=rivals)
            engine.create("landing.touchpoints", "select 'cookie-2' as user_id, 1 as n")
            if erased:
                erase_users(engine, SETTINGS.people)
            publish(engine, published)
            return engine.frame("from ledger.scores order by all")

    before = run()
    assert all(tables_with(warehouse, one) for one in IDS)
    after = run("person-1")
    for one in IDS:
        assert tables_with(warehouse, one) == set()
        assert tables_with(published, one) == set()
    touches = pl.read_parquet(touch_credit_path(published))
    assert len(touches)
    assert touches.filter(pl.col("user_id").is_in(IDS)).is_empty()
    assert tables_with(warehouse, "cookie-4")
    assert after.equals(before)  # sums in the ledger stand


def test_deleted_rows_are_counted(engine):
    pipeline.load_inputs(engine, sources("person-1"))
    assert erase_users(engine, PeopleSettings()) == 5 + 1 + 1 + 2
    report = dict(engine.rows("select table_name, rows from inputs.report where reason = 'erased'"))
    assert report == {"touchpoints": 7, "conversions": 1, "users": 1, "identities": 2}
    accepted = "select rows from inputs.report where table_name = $t and reason = 'accepted'"
    for table in report:
        assert engine.scalar(accepted, {"t": table}) == engine.scalar(
            f"select count(*) from inputs.{table}"
        )
    assert pipeline.quarantined(engine) == {}
    assert all(pipeline.count_rows(engine, table).add_up for table in report)
    assert engine.scalar("select count(*) from quarantine.touchpoints") == 0


def test_rows_that_are_delivered_again_are_deleted_again(engine):
    pipeline.load_inputs(engine, sources("person-1"))
    erase_users(engine, PeopleSettings())
    again = sources()
    del again["identities"]  # the pairs are gone in the source, and so is the list
    pipeline.load_inputs(engine, again)
    erase_users(engine, PeopleSettings())
    assert (
        engine.scalar("select count(*) from inputs.touchpoints where user_id like 'cookie-%'") == 2
    )


def test_erasures_do_not_extend_over_a_shared_terminal(engine):
    make_inputs(
        engine,
        [("kiosk", None, "ads"), ("u1", None, "ads"), ("u2", None, "ads")],
        [("u2", None)],
        identities=[("kiosk", f"u{n}", None) for n in range(4)],
    )
    engine.create("inputs.erasures", "select md5('u1') as user_id")
    assert erase_users(engine, PeopleSettings(max_partners=3)) == 2
    left = engine.rows("select user_id from inputs.touchpoints order by 1")
    assert left == [("kiosk",), ("u2",)]


def test_ids_in_nested_rows_that_were_set_aside_are_found(engine):
    make_inputs(engine, [("u2", None, "ads")], [("u2", None)])
    engine.create(
        "quarantine.touchpoints",
        "select {'who': {'id': 'u 1', 'n': 7}} as event, 1.5 as cost, 'x' as reason"
        " union all select {'who': {'id': 'u2', 'n': 41}}, 41.0, 'x'"
        " union all select {'who': {'id': 'u2', 'n': 8}}, 4.0, 'x'"
        " union all select {'who': {'id': 'u2', 'n': 9}}, 5.0, 'x'",
    )
    engine.create(
        "inputs.erasures", "select md5(id) as user_id from (values ('u 1'), ('41'), ('5')) as t(id)"
    )
    erase_users(engine, PeopleSettings())
    assert engine.rows("select event.who.n from quarantine.touchpoints") == [(8,)]


def test_a_list_of_all_users_is_refused(engine):
    make_inputs(engine, [("u1", None, "ads")], [("u1", None)])
    engine.create("inputs.erasures", "select md5('u1') as user_id")
    with pytest.raises(InputError, match="touchpoints: all rows belong to users on the list"):
        erase_users(engine, PeopleSettings())
    assert engine.scalar("select count(*) from inputs.touchpoints") == 1


def test_without_a_list_nothing_is_deleted(engine):
    make_inputs(engine, [("u1", None, "ads")], [("u1", None)])
    assert erase_users(engine, PeopleSettings()) == 0
