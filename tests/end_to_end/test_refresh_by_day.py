"""The job, day by day: only changed users are rebuilt, and the marts equal those of a full run."""

from __future__ import annotations

import shutil
from datetime import timedelta
from typing import TYPE_CHECKING

import dagster as dg
import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import lydite
from pipelines import refresh
from pipelines.definitions import defs

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
models = ["last_touch", "linear"]
[sources]
touchpoints = "touchpoints.parquet"
conversions = "conversions.parquet"
[evaluation]
lookback = "7d"
period = "month"
"""
TOUCHES = dg.AssetKey(["journeys", "touches"])


@pytest.fixture(scope="module")
def shops(tmp_path_factory) -> tuple[Path, Path]:
    """Return two equal projects, refreshed by the schedule a day before their data ends."""
    folder = tmp_path_factory.mktemp("by_day")
    world = lydite.simulate("storefront", users=1_500, seed=12)
    last = world.touchpoints["touched_at"].max()
    one, other = folder / "one", folder / "other"
    one.mkdir()
    (one / "lydite.toml").write_text(SETTINGS)
    deliver(one, world, last - timedelta(days=1))
    [words] = set(rebuilt(scheduled(one)))
    assert words.startswith("all ")
    assert words.endswith("users: there are no complete journeys of an earlier run")
    shutil.copytree(one, other)
    for project in (one, other):
        deliver(project, world, last)
    return one, other


def deliver(folder: Path, world: lydite.World, until: object) -> None:
    """Write the rows that the sources have at a point in time."""
    for name, at in (("touchpoints", "touched_at"), ("conversions", "converted_at")):
        known = getattr(world, name).filter(pl.col(at) <= until)
        known.write_parquet(folder / f"{name}.parquet")


def scheduled(folder: Path) -> dg.ExecuteInProcessResult:
    """Run the job as the schedule requests it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LYDITE_CONFIG", str(folder / "lydite.toml"))
        definitions = defs()
        with dg.DagsterInstance.ephemeral() as instance:
            schedule = definitions.get_repository_def().get_schedule_def("refresh_schedule")
            with dg.build_schedule_context(instance=instance) as context:
                [request] = schedule.evaluate_tick(context).run_requests
            job = definitions.resolve_job_def("refresh")
            return job.execute_in_process(instance=instance, run_config=request.run_config)


def rebuilt(result: dg.ExecuteInProcessResult) -> list[str]:
    """Return what the metadata of the journeys say about rebuilt users."""
    events = result.asset_materializations_for_node("build_journeys")
    found = [event.metadata for event in events if event.asset_key.path[0] == "journeys"]
    assert len(found) == 6
    return [metadata["rebuilt"].value for metadata in found]


def marts(folder: Path) -> dict[str, pl.DataFrame]:
    """Return all published tables, sorted."""
    with duckdb.connect(str(folder / "var/attribution.duckdb"), read_only=True) as reader:
        names = reader.execute("select table_name from duckdb_tables() where not internal")
        frames = {
            name: reader.execute(f"from mart.{name}").pl()
            for (name,) in names.fetchall()
            if name != "runs"  # ids and times differ
        }
    return {
        name: frame.sort(frame.select(~pl.selectors.float()).columns)
        for name, frame in frames.items()
    }


def test_an_incremental_second_day_gives_the_marts_of_a_full_run(shops, monkeypatch):
    one, other = shops
    [words] = set(rebuilt(scheduled(one)))
    recomputed, users = (int(word.replace(",", "")) for word in words.split()[:3:2])
    assert 0 < recomputed < users / 10
    monkeypatch.setenv("LYDITE_CONFIG", str(other / "lydite.toml"))
    monkeypatch.setenv("DAGSTER_HOME", str(other / "dagster"))
    assert refresh.main(["--full"]) == 0
    with dg.DagsterInstance.get() as instance:
        found = instance.get_latest_materialization_event(TOUCHES).asset_materialization.metadata
    assert found["rebuilt"].value == f"all {users:,} users: requested"
    assert found["rebuilt_users"].value == users
    ours, full = marts(one), marts(other)
    assert set(ours) == set(full) >= {"model_comparison", "evidence", "channel_credit"}
    for name, frame in ours.items():
        assert_frame_equal(frame, full[name], rel_tol=1e-9, abs_tol=1e-9)
