"""The assets of the input tables: rows accepted and set aside, and the source."""

from datetime import date, datetime

import dagster as dg
import duckdb
import polars as pl
import pytest

from lydite.dagster import LyditeComponent, Upstream
from lydite.dagster.assets.inputs import days_of, input_assets
from lydite.dagster.resources import Warehouse
from lydite.dagster.specs import SpecFactory
from lydite.project import Project
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
        if event.asset_key.path[0] == "inputs" and event.partition is None
    }
    assert sources == {
        "inputs/touchpoints": "touches.sql in shop.duckdb",
        "inputs/conversions": "conversions.parquet",
    }


# --- partitions -----------------------------------------------------------------------------------

TOUCHPOINTS = dg.AssetKey(["inputs", "touchpoints"])


def settings_of(**others):
    sources = {name: f"{name}.parquet" for name in ("touchpoints", "conversions")}
    schedule = {"first_day": "2026-03-01"}
    return Settings.model_validate({"sources": sources, "schedule": schedule} | others)


@pytest.fixture
def load(tmp_path):
    """Return a function that loads touches of some hours, and returns the rows by partition."""
    settings, specs = settings_of(), SpecFactory()
    assets = input_assets(settings, specs, {})
    warehouse = Warehouse.of(Project(settings, tmp_path))
    pl.DataFrame({"user_id": ["u"], "converted_at": ["2026-03-02T12:00Z"]}).write_parquet(
        tmp_path / "conversions.parquet"
    )

    def run(hours, partitions=None):
        times = [f"2026-03-{hour}:00Z" for hour in hours]
        pl.DataFrame({"user_id": "u", "touched_at": times, "channel": "tv"}).write_parquet(
            tmp_path / "touchpoints.parquet"
        )
        tags = {}
        if partitions:
            tags = {
                "dagster/asset_partition_range_start": partitions[0],
                "dagster/asset_partition_range_end": partitions[1],
            }
        result = dg.materialize(
            assets,
            selection=None if partitions is None else [TOUCHPOINTS],
            resources={"warehouse": warehouse},
            instance=instance,
            tags=tags,
        )
        return {
            event.partition: event.materialization.metadata["dagster/partition_row_count"].value
            for event in result.get_asset_materialization_events()
            if event.asset_key == TOUCHPOINTS and event.partition is not None
        }

    with dg.DagsterInstance.ephemeral() as instance:
        run.rows = lambda: _hours(tmp_path)
        yield run


def _hours(folder):
    with duckdb.connect(str(folder / "var" / "warehouse.duckdb")) as warehouse:
        times = "select strftime(touched_at, '%dT%H') from inputs.touchpoints order by touched_at"
        return [hour for (hour,) in warehouse.execute(times).fetchall()]


def test_a_whole_load_reports_the_days_that_it_has_changed(load):
    assert load(["01T10", "01T11", "02T10"]) == {"2026-03-01": 2, "2026-03-02": 1}
    assert load(["01T10", "01T11", "02T10"]) == {}
    assert load(["01T10", "02T10", "02T11", "04T10"]) == {
        "2026-03-01": 1, "2026-03-02": 2, "2026-03-04": 1,
    }  # fmt: skip


def test_a_range_of_days_is_one_run_that_replaces_these_days_only(load):
    load(["01T10", "02T10", "03T10", "04T10"])
    delivered = ["01T11", "02T11", "02T12", "04T11"]  # late, corrected and deleted rows
    for _ in range(2):
        assert load(delivered, ("2026-03-02", "2026-03-03")) == {"2026-03-02": 2, "2026-03-03": 0}
        assert load.rows() == ["01T10", "02T11", "02T12", "04T10"]
    assert load(delivered) == {}  # as many rows as before
    assert load.rows() == delivered


def test_tables_have_partitions_by_local_day_where_rows_have_a_time():
    assets = input_assets(settings_of(timezone="Europe/Berlin"), SpecFactory(), {})
    partitions = {asset.key.path[-1]: asset.partitions_def for asset in assets}
    assert {name for name, days in partitions.items() if days is None} == {"users", "erasures"}
    assert partitions["spend"].timezone == "Europe/Berlin"
    assert partitions["spend"].get_first_partition_key() == "2026-03-01"
    for asset in assets:
        assert asset.backfill_policy == dg.BackfillPolicy.single_run()


def test_partitions_begin_with_last_year_by_default_and_spark_has_none():
    first = days_of(settings_of(schedule={})).get_first_partition_key()
    assert date.fromisoformat(first) == date(datetime.now().astimezone().year - 1, 1, 1)
    assert days_of(settings_of(engine={"name": "spark"})) is None
