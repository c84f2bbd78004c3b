"""The job `refresh` on a small data set: what it publishes, and that failures publish nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl
import pytest

import lydite
from lydite.reporting.display_names import model_label
from pipelines import show
from pipelines.definitions import defs

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
models = {models}
[sources]
touchpoints = "{touchpoints}"
conversions = "data/conversions.parquet"
spend = "data/spend.parquet"
users = "data/users.parquet"
[outcomes.purchase]
lookback = "21d"
"""
MODELS = ["last_touch", "linear", "markov_1"]
SCORES = dg.AssetKey(["ledger", "scores"])


@dataclass(frozen=True)
class Shop:
    """A project in a temporary folder."""

    folder: Path

    def configure(self, models=MODELS, touchpoints="touchpoints.sql") -> None:
        text = SETTINGS.format(models=models, touchpoints=touchpoints)
        (self.folder / "lydite.toml").write_text(text)

    def refresh(self) -> subprocess.CompletedProcess[str]:
        """Run the job in another process, whose working directory is not the project's folder."""
        places = {
            "LYDITE_CONFIG": str(self.folder / "lydite.toml"),
            "DAGSTER_HOME": str(self.folder / "dagster"),
        }
        return subprocess.run(
            [sys.executable, "-m", "pipelines.refresh"],
            cwd=ROOT,
            env=os.environ | places,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def published(self) -> Path:
        return self.folder / "var" / "attribution.duckdb"

    @property
    def report(self) -> Path:
        return self.folder / "var" / "report.html"

    def state(self) -> list[tuple[int, bytes]]:
        """Return the inode and the content of everything that others read."""
        return [(p.stat().st_ino, p.read_bytes()) for p in (self.published, self.report)]

    def query(self, sql: str) -> list[tuple]:
        with duckdb.connect(str(self.published), read_only=True) as reader:
            return reader.execute(sql).fetchall()


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Shop:
    """Return a project that has been refreshed once."""
    folder = tmp_path_factory.mktemp("shop")
    lydite.simulate("storefront", users=3_000, seed=11).write(folder / "data")
    select = "-- Touchpoints.\nselect * from read_parquet('data/touchpoints.parquet')"
    (folder / "touchpoints.sql").write_text(select)
    made = Shop(folder)
    made.configure()
    run = made.refresh()
    assert run.returncode == 0, run.stderr
    assert "  backtest models\n" in run.stderr
    assert "DEBUG" not in run.stderr + run.stdout
    return made


def test_verdicts_and_credit_are_published(shop):
    rows = shop.query("select model from mart.model_comparison where rank is not null")
    assert {model for (model,) in rows} == set(MODELS)
    sums = shop.query("select sum(conversions) from mart.channel_credit group by outcome, model")
    (converted,) = (
        pl.read_parquet(shop.folder / "data/conversions.parquet")
        .filter(pl.col("outcome") == "purchase")
        .select(pl.len())
        .row(0)
    )
    assert [total for (total,) in sums] == pytest.approx([converted] * len(MODELS))
    assert "purchase" in shop.report.read_text(encoding="utf-8")


def test_a_run_without_changes_publishes_nothing_and_says_why(shop, refresh):
    before = shop.state()
    run = refresh(shop.folder)
    assert run.returncode == 0, run.stderr
    assert "Neither the input rows nor the settings have changed" in run.stderr
    assert "backtest models" not in run.stderr
    assert "no result" not in run.stderr  # of checks
    assert shop.state() == before


def test_the_results_are_printed_with_the_places_of_report_and_tables(shop, monkeypatch, capsys):
    monkeypatch.setenv("LYDITE_CONFIG", str(shop.folder / "lydite.toml"))
    assert show.main() == 0
    printed = capsys.readouterr().out
    assert "purchase" in printed
    assert all(model_label(model) in printed for model in MODELS)
    assert f"The report: {shop.report}" in printed
    assert f"The tables for analysts: {shop.published}" in printed
    assert "sql/examples/best_model.sql" in printed


def test_every_published_table_and_column_is_commented(shop):
    tables = shop.query("select table_name, comment from duckdb_tables() where not internal")
    assert {name for name, _ in tables} >= {"model_comparison", "evidence", "channel_credit"}
    assert [name for name, comment in tables if not comment] == []
    columns = shop.query(
        "select table_name, column_name from duckdb_columns()"
        " where not internal and comment is null"
    )
    assert columns == []


def test_one_model_can_be_materialised_alone(shop, monkeypatch):
    monkeypatch.setenv("LYDITE_CONFIG", str(shop.folder / "lydite.toml"))
    shop.configure(models=[*MODELS, "first_touch"])
    definitions = defs()
    [backtest] = [a for a in definitions.assets if SCORES in getattr(a, "keys", ())]
    config = {"ops": {"backtest_models": {"config": {"models": ["first_touch"]}}}}
    run = dg.materialize([backtest], resources=definitions.resources, run_config=config)
    shop.configure()
    [event] = run.get_asset_materialization_events()
    assert event.asset_key == SCORES
    assert "| first_touch |" in event.materialization.metadata["models"].value


def test_dagster_keeps_row_counts_columns_and_the_comparison(shop, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(shop.folder / "dagster"))
    with dg.DagsterInstance.get() as instance:
        assert not instance.telemetry_enabled
        found = instance.get_latest_materialization_event(dg.AssetKey(["mart", "model_comparison"]))
    metadata = found.asset_materialization.metadata
    [(segments,)] = shop.query("select count(distinct segment) from mart.model_comparison")
    assert segments > 1
    assert metadata["dagster/row_count"].value == segments * (len(MODELS) + 3)
    columns = {c.name: c.description for c in metadata["dagster/column_schema"].value.columns}
    assert columns["auc"].startswith("area under the ROC curve")
    assert "| Linear |" in metadata["comparison"].value


def test_the_published_file_is_replaced_at_once_and_an_open_reader_keeps_the_old_one(shop):
    before = shop.published.stat().st_ino
    shop.configure(models=[*MODELS, "first_touch"])
    count = "select count(*) from mart.model_comparison where rank is not null and segment = 'all'"
    with duckdb.connect(str(shop.published), read_only=True) as reader:
        run = shop.refresh()
        assert run.returncode == 0, run.stderr
        assert reader.execute(count).fetchall() == [(len(MODELS),)]
    assert shop.published.stat().st_ino != before
    assert shop.query(count) == [(len(MODELS) + 1,)]
    assert [p.name for p in shop.published.parent.iterdir() if p.name.startswith(".")] == []


def test_too_many_bad_rows_stop_the_run_before_anything_is_published(shop, refresh):
    touchpoints = pl.read_parquet(shop.folder / "data/touchpoints.parquet").with_row_index("i")
    blank = pl.when(pl.col("i") % 20 == 0).then(None).otherwise(pl.col("channel"))
    bad = touchpoints.with_columns(blank.alias("channel")).drop("i")
    bad.write_parquet(shop.folder / "data/bad.parquet")
    shop.configure(touchpoints="data/bad.parquet")
    before = shop.state()
    run = refresh(shop.folder)
    assert run.returncode == 2
    assert "touchpoints: 5.00% of the rows were set aside, 1.00% are allowed" in run.stderr
    assert "load touchpoints" in run.stderr
    assert "build journeys" not in run.stderr
    assert "Traceback" not in run.stderr
    assert shop.state() == before


def test_a_missing_source_stops_the_run_and_is_named(shop, refresh):
    shop.configure(touchpoints="data/nowhere.parquet")
    before = shop.state()
    run = refresh(shop.folder)
    assert run.returncode == 2
    assert "data/nowhere.parquet" in run.stderr
    assert "Traceback" not in run.stderr
    assert shop.state() == before


def test_a_wrong_setting_is_named_by_its_key(shop, refresh):
    shop.configure(models=["liner"])
    run = refresh(shop.folder)
    assert run.returncode == 2
    assert "models.1 = 'liner'" in run.stderr
    assert "Traceback" not in run.stderr
    assert "Did you mean 'linear'?" in run.stderr


def test_a_run_is_refused_while_another_process_has_the_warehouse_open(shop):
    shop.configure()
    before = shop.state()
    with duckdb.connect(str(shop.folder / "var/warehouse.duckdb")):
        run = shop.refresh()
    assert run.returncode == 3
    assert "is being written by another process" in run.stderr
    assert "Traceback" not in run.stderr
    assert shop.state() == before
