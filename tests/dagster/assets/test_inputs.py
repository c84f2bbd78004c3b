"""The assets of the input tables: rows accepted and set aside, and the source."""

import dagster as dg
import duckdb
import polars as pl

from lydite.dagster import LyditeComponent, Upstream
from lydite.settings import Settings


def test_a_table_says_where_it_comes_from_and_how_many_rows_were_set_aside(run):
    metadata = run.metadata("inputs/touchpoints")
    assert metadata["source"] == "touchpoints.parquet"
    assert metadata["dagster/row_count"] > 600
    assert metadata["set_aside"] == 0
    assert metadata["set_aside_share"] == 0
    assert metadata["reasons"] == {}


def test_a_table_without_a_source_is_empty(run):
    metadata = run.metadata("inputs/spend")
    assert metadata["source"] == "(none)"
    assert metadata["dagster/row_count"] == 0


def test_a_select_of_a_database_is_read_after_the_asset_that_makes_the_database(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    settings = Settings.model_validate(
        {
            "sources": {
                "touchpoints": {"select": "touches.sql", "database": "shop.duckdb"},
                "conversions": "conversions.parquet",
            },
            "storage": {"warehouse": tmp_path / "warehouse.duckdb"},
        }
    )
    (tmp_path / "touches.sql").write_text(
        "select 'u' as user_id, seen as touched_at, channel from t"
    )

    @dg.asset(key=["shop", "events"])
    def events() -> None:
        with duckdb.connect("shop.duckdb") as shop:
            shop.execute("create table t as select timestamp '2026-03-01' as seen, 'tv' as channel")

    @dg.asset(key=["crm", "orders"])
    def orders() -> None:
        rows = {"user_id": ["u"], "converted_at": ["2026-03-02"]}
        pl.DataFrame(rows).write_parquet("conversions.parquet")

    component = LyditeComponent(
        settings=settings,
        upstream=Upstream(
            touchpoints=[dg.AssetKey(["shop", "events"])],
            conversions=[dg.AssetKey(["crm", "orders"])],
        ),
    )
    definitions = dg.Definitions.merge(
        dg.build_defs_for_component(component), dg.Definitions(assets=[events, orders])
    )
    keys = ["shop/events", "crm/orders", "inputs/touchpoints", "inputs/conversions"]
    with dg.DagsterInstance.ephemeral() as instance:
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance, asset_selection=[dg.AssetKey(key.split("/")) for key in keys]
        )
    sources = {
        event.asset_key.to_user_string(): event.materialization.metadata["source"].value
        for event in result.get_asset_materialization_events()
        if event.asset_key.path[0] == "inputs"
    }
    assert sources == {
        "inputs/touchpoints": "touches.sql in shop.duckdb",
        "inputs/conversions": "conversions.parquet",
    }
