"""The job ``refresh`` on a feed that stopped: blocked, accepted, voided, and right again."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl
import pytest

from lydite.dagster import LyditeComponent
from lydite.engine import DuckDBEngine
from lydite.evaluation import voids
from lydite.simulation import simulate

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
models = ["last_touch", "linear"]
[sources]
touchpoints = "touchpoints.parquet"
conversions = "conversions.parquet"
[evaluation]
lookback = "7d"
"""
MADE = simulate("linear", users=2500, seed=1, weeks=14)
END = datetime(2025, 1, 6) + timedelta(weeks=14)
GAP = pl.col("converted_at").is_between(END - timedelta(weeks=5), END - timedelta(weeks=3))


def write(folder: Path, touchpoints: pl.DataFrame, conversions: pl.DataFrame) -> None:
    touchpoints.write_parquet(folder / "touchpoints.parquet")
    conversions.write_parquet(folder / "conversions.parquet")


def refresh(folder: Path, **config: object) -> dg.ExecuteInProcessResult:
    component = LyditeComponent(settings=folder / "lydite.toml")
    job = dg.build_defs_for_component(component).resolve_job_def("refresh")
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            instance=instance,
            run_config={"ops": {"build_journeys": {"config": config}}},
            raise_on_error=False,
        )


def findings(result: dg.ExecuteInProcessResult) -> str:
    """Return what the check says; empty if it passed."""
    [check] = [
        check
        for check in result.get_asset_check_evaluations()
        if check.check_name == "data_is_complete"
    ]
    return "" if check.passed else check.description or ""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "lydite.toml").write_text(SETTINGS)
    return tmp_path


def test_a_gap_blocks_until_it_is_accepted_and_can_be_voided(project):
    published = project / "var/attribution.duckdb"
    write(project, MADE.touchpoints, MADE.conversions.filter(~GAP))
    blocked = refresh(project)
    assert not blocked.success
    assert "conversions of 'conversion': 0 rows from 2025-03-10 to 2025-03-23" in findings(blocked)
    assert not published.exists()

    accepted = refresh(project, accept=["sudden_drop"])
    assert accepted.success
    assert published.exists()
    with DuckDBEngine(project / "var/warehouse.duckdb") as engine:
        before = voids.list_periods(engine)
        gap = before.filter(pl.col("first_day") == date(2025, 3, 10))
        assert gap["conversions"].to_list() == [0]
        voids.void(
            engine, "conversion", date(2025, 3, 3), date(2025, 3, 17), reason="export", by="ann"
        )

    write(project, MADE.touchpoints, MADE.conversions)
    right = refresh(project)
    assert right.success
    with DuckDBEngine(project / "var/warehouse.duckdb") as engine:
        again = voids.list_periods(engine).filter(first_day=date(2025, 3, 10))
    assert again["status"].to_list() == ["voided", "scored"]
    assert again["conversions"][1] > 20
    assert findings(right) == ""


def test_a_lost_column_blocks_the_second_run(project):
    write(project, MADE.touchpoints, MADE.conversions)
    assert refresh(project).success
    write(project, MADE.touchpoints, MADE.conversions.drop("value"))
    blocked = refresh(project)
    assert not blocked.success
    assert "conversions: the column 'value' is gone" in findings(blocked)
    assert refresh(project, accept=["lost_column"]).success
    assert refresh(project).success
