"""The job `refresh` and its schedule."""

from __future__ import annotations

import dagster as dg
import pytest

from lydite.dagster import Schedule

#: The asset that only runs by hand.
BY_HAND = dg.AssetKey(["decisions", "promotion"])


def test_the_job_materialises_and_checks_everything_in_one_process(definitions):
    job = definitions.resolve_job_def("refresh")
    graph = definitions.resolve_asset_graph()
    assert job.executor_def.name == "in_process"
    assert set(job.asset_layer.selected_asset_keys) == set(graph.get_all_asset_keys()) - {BY_HAND}
    assert set(job.asset_layer.asset_graph.asset_check_keys) == set(graph.asset_check_keys)


def test_nothing_is_published_before_everything_else_is_done(definitions):
    graph = definitions.resolve_asset_graph()
    report = dg.AssetKey(["published", "report"])
    before = graph.get_ancestor_asset_keys(report, include_self=True)
    assert before == graph.get_all_asset_keys() - {BY_HAND}


@pytest.mark.parametrize("config", [{}, {"full": True}, {"full": False}])
def test_a_run_can_rebuild_the_journeys_of_all_users(definitions, config):
    job = definitions.resolve_job_def("refresh")
    dg.validate_run_config(job, {"ops": {"build_journeys": {"config": config}}})
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(job, {"ops": {"build_journeys": {"config": {"fully": True}}}})


def test_there_is_no_schedule_by_default(definitions):
    assert not definitions.schedules


def test_a_schedule_is_off_until_it_is_switched_on(make_definitions):
    made = make_definitions(schedule=Schedule(cron="0 5 * * 1", timezone="Europe/Berlin"))
    schedule = made.get_repository_def().get_schedule_def("refresh_schedule")
    assert schedule.cron_schedule == "0 5 * * 1"
    assert schedule.execution_timezone == "Europe/Berlin"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.job_name == "refresh"
