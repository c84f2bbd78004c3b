"""The jobs, their schedules, and how long assets stay fresh."""

from __future__ import annotations

import shutil
from datetime import timedelta

import dagster as dg
import duckdb
import polars as pl
import pytest

from lydite.dagster import LyditeComponent, Schedule
from lydite.settings import Settings

#: The asset that only runs by hand.
BY_HAND = dg.AssetKey(["decisions", "promotion"])


def test_the_job_materialises_and_checks_everything_in_one_process(definitions):
    job = definitions.resolve_job_def("refresh")
    graph = definitions.resolve_asset_graph()
    assert job.executor_def.name == "in_process"
    made = set(graph.materializable_asset_keys) - {BY_HAND}
    assert set(job.asset_layer.selected_asset_keys) == made
    assert set(job.asset_layer.asset_graph.asset_check_keys) == set(graph.asset_check_keys)


def test_nothing_is_published_before_everything_else_is_done(definitions):
    graph = definitions.resolve_asset_graph()
    report = dg.AssetKey(["published", "report"])
    before = graph.get_ancestor_asset_keys(report, include_self=True)
    assert before == graph.get_all_asset_keys()


@pytest.mark.parametrize("config", [{}, {"full": True}, {"full": False}])
def test_a_run_can_rebuild_the_journeys_of_all_users(definitions, config):
    job = definitions.resolve_job_def("refresh")
    dg.validate_run_config(job, {"ops": {"build_journeys": {"config": config}}})
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(job, {"ops": {"build_journeys": {"config": {"fully": True}}}})


def test_the_job_credit_leaves_out_the_comparison(definitions):
    graph = definitions.resolve_asset_graph()
    everything = definitions.resolve_job_def("refresh").asset_layer.selected_asset_keys
    credit = definitions.resolve_job_def("credit").asset_layer.selected_asset_keys
    left_out = {".".join(key.path) for key in set(everything) - set(credit)}
    assert left_out == {
        "ledger.scores", "mart.model_comparison", "mart.pairs", "mart.evidence",
        "mart.calibration", "mart.warnings", "evaluation.other_lookback_comparison",
        "evaluation.other_lookback_credit",
    }  # fmt: skip
    assert set(credit) < set(graph.materializable_asset_keys)


def test_credit_is_brought_up_to_date_without_a_comparison(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "copy")
    settings = folder / "lydite.toml"
    settings.write_text(settings.read_text().partition("[notify]")[0])
    conversions = pl.read_parquet(folder / "conversions.parquet")
    conversions[:-1].write_parquet(folder / "conversions.parquet")
    job = dg.build_defs_for_component(LyditeComponent(settings=settings)).resolve_job_def("credit")
    with dg.DagsterInstance.ephemeral() as instance:
        first = job.execute_in_process(instance=instance)
        again = job.execute_in_process(instance=instance)
    made = {event.asset_key.to_user_string() for event in first.get_asset_materialization_events()}
    assert {"mart/channel_credit", "published/attribution", "published/report"} <= made
    assert "mart/model_comparison" not in made
    # With the same rows, nothing after the inputs is made.
    made = {event.asset_key.path[0] for event in again.get_asset_materialization_events()}
    assert made == {"inputs"}
    with duckdb.connect(str(folder / "var/attribution.duckdb"), read_only=True) as reader:
        [(compared, counted)] = reader.sql(
            "select (select count(*) from mart.model_comparison),"
            " (select sum(conversions) from mart.outcomes)"
        ).fetchall()
    assert compared > 0
    assert counted == len(conversions) - 1


def schedules_of(definitions: dg.Definitions) -> dict[str, dg.ScheduleDefinition]:
    return {schedule.name: schedule for schedule in definitions.get_repository_def().schedule_defs}


def test_there_is_no_schedule_by_default(definitions):
    assert not definitions.schedules


def test_a_schedule_is_off_until_it_is_switched_on(make_definitions):
    made = make_definitions(schedule=Schedule(cron="0 5 * * 1", timezone="Europe/Berlin"))
    schedule = schedules_of(made)["refresh_schedule"]
    assert schedule.cron_schedule == "0 5 * * 1"
    assert schedule.execution_timezone == "Europe/Berlin"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.job_name == "refresh"


@pytest.fixture
def scheduled(tmp_path):
    """Return the definitions of settings with schedules."""
    schedule = {"refresh": "0 5 * * 1", "credit": "0 6 * * *", "fresh_within": "26h"}
    settings = {
        "sources": {"touchpoints": "t.parquet", "conversions": "c.parquet"},
        "timezone": "Europe/Berlin",
        "schedule": schedule,
    }
    component = LyditeComponent(settings=Settings.model_validate(settings))
    return dg.build_defs_for_component(component)


def test_schedules_of_the_settings_are_in_their_time_zone(scheduled):
    found = {
        schedule.job_name: (schedule.cron_schedule, schedule.execution_timezone)
        for schedule in schedules_of(scheduled).values()
    }
    assert found == {
        "refresh": ("0 5 * * 1", "Europe/Berlin"), "credit": ("0 6 * * *", "Europe/Berlin"),
    }  # fmt: skip


def test_input_tables_with_a_source_and_the_published_file_go_stale(scheduled):
    policies = {
        ".".join(spec.key.path): spec.freshness_policy
        for spec in scheduled.resolve_all_asset_specs()
        if spec.freshness_policy is not None
    }
    assert set(policies) == {"inputs.touchpoints", "inputs.conversions", "published.attribution"}
    windows = {policy.fail_window.to_timedelta() for policy in policies.values()}
    assert windows == {timedelta(hours=26)}
