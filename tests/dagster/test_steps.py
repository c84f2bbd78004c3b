"""Steps: any asset alone, what happens after errors, and the order of results."""

import shutil
import signal
import threading

import dagster as dg
import pytest

from lydite.dagster import LyditeComponent, steps
from lydite.dagster.specs import SpecFactory
from lydite.dagster.steps import parents_first
from lydite.engine import DuckDBEngine
from lydite.errors import InputError, UnavailableError, explain_system_error

#: One asset of every step.
ALONE = (
    "inputs/conversions", "journeys/touches", "evaluation/landmarks", "ledger/scores",
    "mart/pairs", "credit/daily", "mart/experiment_checks", "mart/experiment_agreement",
    "mart/time_lags", "mart/champions", "published/attribution", "published/report",
)  # fmt: skip


def specs_of(parents: dict[str, list[str]]) -> list[dg.AssetSpec]:
    return [dg.AssetSpec(key, deps=deps) for key, deps in parents.items()]


def test_an_asset_comes_after_those_of_its_step_that_it_depends_on():
    keys = parents_first(specs_of({"c": ["b", "other"], "a": [], "b": ["a"]}))
    assert [key.to_user_string() for key in keys] == ["a", "b", "c"]


def run_step(make, selection: list[str] | None = None) -> dg.ExecuteInProcessResult:
    """Run a step with the assets a and b, without the delay before a further attempt."""
    specs = SpecFactory()
    asset = specs.step("make", [specs.table("s.a", "A b.", group="g"),
                                specs.table("s.b", "A b.", group="g")])(make)  # fmt: skip
    warehouse = dg.ResourceDefinition.hardcoded_resource(None)
    return dg.materialize(
        [asset], resources={"warehouse": warehouse}, selection=selection, raise_on_error=False
    )


def test_tables_that_were_not_selected_are_reported_as_they_are_made_too():
    def make(context: dg.AssetExecutionContext):
        del context
        for name in ("a", "b"):
            yield dg.MaterializeResult(asset_key=["s", name], metadata={"rows": 1})

    result = run_step(make, ["s/b"])
    events = result.get_asset_materialization_events()
    assert [event.asset_key.path[-1] for event in events] == ["a", "b"]
    for event in events:
        assert event.materialization.metadata["rows"].value == 1
        assert event.materialization.metadata["seconds"].value >= 0


@pytest.mark.parametrize(
    ("error", "attempts"),
    [
        (InputError("no such file"), 1),
        (ValueError("crash"), 2),
        (UnavailableError("locked"), 2),
        (OSError(28, "No space left on device"), 1),
        (explain_system_error("IO Error: Read-only file system"), 1),
        (dg.DagsterExecutionInterruptedError("stopped"), 1),
    ],
)
def test_a_step_is_tried_again_only_after_a_crash(monkeypatch, error, attempts):
    tried = []
    monkeypatch.setattr(steps, "RETRY_SECONDS", 0.01)

    def make(context: dg.AssetExecutionContext):
        tried.append(context)
        raise error

    result = run_step(make)
    assert not result.success
    assert len(tried) == attempts
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert str(error) in failure.event_specific_data.error.to_string()


def test_a_signal_during_a_query_stops_the_run_and_is_no_crash():
    """DuckDB raises an error of its own, which must not lead to another attempt."""
    tried = []

    def make(context: dg.AssetExecutionContext):
        tried.append(context)
        threading.Timer(0.3, signal.raise_signal, [signal.SIGTERM]).start()
        with DuckDBEngine(threads=1) as engine:
            engine.scalar("select sum(a.range * b.range) from range(1000000) a, range(100000) b")

    before = signal.getsignal(signal.SIGTERM)
    try:
        result = run_step(make)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert not result.success
    assert len(tried) == 1
    [failure] = [event for event in result.all_events if event.is_step_failure]
    assert failure.event_specific_data.error.cls_name == "DagsterExecutionInterruptedError"


def test_every_asset_can_be_selected_alone(definitions):
    graph = definitions.resolve_asset_graph()
    for name in ("refresh", "promote_model"):
        job = definitions.resolve_job_def(name)
        for key in job.asset_layer.selected_asset_keys:
            subset = job.get_subset(asset_selection={key})
            assert set(subset.asset_layer.selected_asset_keys) == {key}
    assert len(graph.materializable_asset_keys) > 60


def test_an_asset_of_every_step_is_materialised_alone_after_a_run(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "copy")
    settings = folder / "lydite.toml"
    text = settings.read_text().partition("[notify]")[0]
    settings.write_text(text.replace('other_lookbacks = ["3d"]', ""))
    job = dg.build_defs_for_component(LyditeComponent(settings=settings)).resolve_job_def("refresh")
    with dg.DagsterInstance.ephemeral() as instance:
        for name in ALONE:
            key = dg.AssetKey(name.split("/"))
            result = job.execute_in_process(instance=instance, asset_selection=[key])
            made = {event.asset_key for event in result.get_asset_materialization_events()}
            assert key in made, name
