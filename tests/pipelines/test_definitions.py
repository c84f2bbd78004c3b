"""The definitions are complete: every asset is described, owned and checked, and all loads."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.workspace.load import load_workspace_process_context_from_yaml_paths

from lydite import inputs, pipeline
from lydite.evaluation.comparison import TABLES
from pipelines.definitions import make_definitions
from pipelines.project import load_project

ROOT = Path(__file__).resolve().parents[2]
RIVALS = ("last_touch", "linear", "markov_1")
SETTINGS = f"""
models = {list(RIVALS)}
[sources]
touchpoints = "touchpoints.parquet"
conversions = "conversions.parquet"
"""


@pytest.fixture
def definitions(tmp_path, monkeypatch) -> dg.Definitions:
    """Return the definitions of a small project."""
    (tmp_path / "lydite.toml").write_text(SETTINGS)
    monkeypatch.setenv("LYDITE_CONFIG", str(tmp_path / "lydite.toml"))
    return make_definitions(load_project())


@pytest.fixture
def specs(definitions) -> dict[str, dg.AssetSpec]:
    """Return the specs of all assets by name."""
    return {
        spec.key.to_user_string().replace("/", "."): spec
        for spec in definitions.resolve_all_asset_specs()
    }


def test_assets_are_the_tables_of_the_warehouse_the_models_and_what_is_published(specs):
    models = {f"models.{name}" for name in (*RIVALS, "base_rate", "touch_volume", "ceiling")}
    marts = {*pipeline.MARTS, *TABLES}
    assert set(specs) == (
        {f"inputs.{name}" for name in inputs.TABLES}
        | {f"journeys.{n}" for n in ("users", "channels", "touches", "path_events", "conversions")}
        | {"evaluation.outcomes", "evaluation.landmarks"}
        | models
        | {"credit.touch_credit", "credit.statistics", "credit.daily"}
        | {"credit.intervals", "credit.removal_effects"}
        | {f"mart.{name}" for name in marts}
        | {"published.attribution", "published.report"}
    )


def test_every_asset_says_what_it_is_and_whose(specs):
    for name, spec in specs.items():
        assert spec.owners == ("team:data",), name
        assert spec.group_name in (
            "raw", "journeys", "models", "evaluation", "credit", "marts", "publication"
        ), name  # fmt: skip
        assert spec.kinds, name
        assert spec.description is not None, name
        assert spec.description[0].isupper(), name
        assert spec.description.endswith("."), name


def test_a_rival_says_its_claim_and_carries_its_fingerprint(specs):
    spec = specs["models.linear"]
    assert "every touch of the path alike" in spec.description
    assert len(spec.code_version) == 12


def test_every_step_waits_for_the_one_writer(definitions):
    job = definitions.resolve_job_def("refresh")
    assert {node.definition.pool for node in job.graph.nodes} == {"duckdb_writer"}


def test_checks_stop_what_comes_after(definitions):
    graph = definitions.resolve_asset_graph()
    checks = {key.to_user_string(): graph.get(key) for key in graph.asset_check_keys}
    assert set(checks) == (
        {f"inputs/{name}:contract" for name in inputs.TABLES}
        | {f"inputs/{name}:quarantine_share" for name in inputs.TABLES}
        | {f"mart/{name}:credit_sums_to_conversions" for name in ("channel_credit", "credit_daily")}
        | {"published/attribution:readable"}
    )
    assert all(check.blocking for check in checks.values())


def test_nothing_is_published_before_everything_is_done(definitions):
    graph = definitions.resolve_asset_graph()
    before = graph.get_ancestor_asset_keys(dg.AssetKey(["published", "report"]), include_self=True)
    assert before == graph.get_all_asset_keys()


def test_the_job_runs_everything_in_one_process(definitions):
    job = definitions.resolve_job_def("refresh")
    assert job.executor_def.name == "in_process"
    assert set(job.asset_layer.selected_asset_keys) == set(
        definitions.resolve_asset_graph().get_all_asset_keys()
    )


@pytest.mark.parametrize("config", [{}, {"full": True}, {"full": False}])
def test_a_run_may_lay_out_all_users_anew(definitions, config):
    job = definitions.resolve_job_def("refresh")
    dg.validate_run_config(job, {"ops": {"build_journeys": {"config": config}}})
    with pytest.raises(dg.DagsterInvalidConfigError):
        dg.validate_run_config(job, {"ops": {"build_journeys": {"config": {"fully": True}}}})


def test_the_schedule_is_weekly_and_waits_to_be_switched_on(definitions):
    schedule = definitions.get_repository_def().get_schedule_def("weekly_refresh")
    assert schedule.cron_schedule == "0 5 * * 1"
    assert schedule.execution_timezone == "UTC"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED
    assert schedule.job_name == "refresh"


def test_the_workspace_loads_the_settings_of_the_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    monkeypatch.delenv("LYDITE_CONFIG", raising=False)
    with (
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
        load_workspace_process_context_from_yaml_paths(instance, ["workspace.yaml"]) as process,
    ):
        context = process.create_request_context()
        (location,) = context.code_location_names
        entry = context.get_location_entry(location)
        assert entry.load_error is None
        (repository,) = entry.code_location.get_repositories().values()
        assert "refresh" in [job.name for job in repository.get_all_jobs()]
