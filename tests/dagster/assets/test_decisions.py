"""The asset by which a person promotes a model."""

from __future__ import annotations

import dagster as dg
import pytest

from lydite.dagster import LyditeComponent, Schedule
from lydite.decisions import read_log
from lydite.engine import DuckDBEngine


def promote(folder, tags=None, **config):
    """Run the job ``promote_model`` of the finished project."""
    component = LyditeComponent(settings=folder / "lydite.toml", key_prefix="shop")
    job = dg.build_defs_for_component(component).resolve_job_def("shop_promote_model")
    given = {"model": "linear", "outcome": "conversion", "reason": "it leads", "by": "ann"}
    with dg.DagsterInstance.ephemeral() as instance:
        return job.execute_in_process(
            instance=instance,
            run_config={"ops": {"shop_promote": {"config": given | config}}},
            tags=tags or {},
            raise_on_error=False,
        )


def error_of(result):
    [event] = [event for event in result.all_events if event.is_step_failure]
    return event.step_failure_data.error.cause.message


def test_a_promotion_is_written_with_its_metadata_and_nothing_else_is(run):
    log = run.folder / "decisions.jsonl"
    refused = promote(run.folder, outcome="sale")
    assert "there is no outcome 'sale'" in error_of(refused)
    by_schedule = promote(run.folder, {"dagster/schedule_name": "nightly"})
    assert "only a person promotes a model" in error_of(by_schedule)
    assert not log.exists()
    result = promote(run.folder, despite_refuted=True)
    [event] = result.get_asset_materialization_events()
    assert event.asset_key == dg.AssetKey(["shop", "decisions", "promotion"])
    metadata = {name: entry.value for name, entry in event.materialization.metadata.items()}
    assert (metadata["from"], metadata["to"], metadata["by"]) == ("last_touch", "linear", "ann")
    [decision] = read_log(log)
    assert decision.verdicts == metadata["verdicts"]
    log.unlink()  # other tests use the project


def test_it_is_in_no_job_but_its_own_and_in_no_schedule(make_definitions):
    made = make_definitions(schedule=Schedule(cron="0 5 * * 1"))
    key = dg.AssetKey(["decisions", "promotion"])
    graph = made.resolve_asset_graph()
    assert graph.get(key).automation_condition is None
    assert graph.get(key).parent_keys == set()
    refresh = made.resolve_job_def("refresh").asset_layer.selected_asset_keys
    assert key not in refresh
    own = made.resolve_job_def("promote_model").asset_layer.selected_asset_keys
    assert set(own) == {key}


def test_it_needs_its_config(definitions):
    job = definitions.resolve_job_def("promote_model")
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(job, {"ops": {"promote": {"config": {"model": "linear"}}}})


def test_nothing_can_be_promoted_before_anything_was_compared(make_definitions, tmp_path):
    make_definitions()
    result = promote(tmp_path)
    assert "nothing was compared yet" in error_of(result)
    with DuckDBEngine(tmp_path / "var/warehouse.duckdb") as engine:
        assert not engine.exists("mart.model_comparison")
