"""The code location of this repository loads, in Dagster and in its command `dg`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.workspace.load import load_workspace_process_context_from_yaml_paths

from pipelines.definitions import defs

# Warnings of Dagster about itself, where it loads YAML.
pytestmark = [
    pytest.mark.filterwarnings("ignore:`parse_obj_as` is deprecated"),
    pytest.mark.filterwarnings("ignore:.* is currently in beta"),
]

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def definitions(monkeypatch: pytest.MonkeyPatch) -> dg.Definitions:
    """Return the definitions on the settings of the checkout."""
    monkeypatch.delenv("LYDITE_CONFIG", raising=False)
    return defs()


#: Runs several commands: to start Python and import Dagster takes longer than each of them.
DG = """
import json, sys
from dagster_dg_cli.cli import ENV_PREFIX, cli

for arguments in json.loads(sys.argv[1]):
    cli(arguments, standalone_mode=False, auto_envvar_prefix=ENV_PREFIX)
    print(end="\\0", flush=True)
"""


@pytest.fixture(scope="module")
def dg_outputs(tmp_path_factory) -> list[str]:
    """Run commands of Dagster's `dg` in the checkout, and return their outputs."""
    folder = tmp_path_factory.mktemp("home")
    settings = {
        "DAGSTER_HOME": str(folder),
        "DAGSTER_DG_UPDATE_CHECK_ENABLED": "0",
        "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}",
        "CI": "true",  # no telemetry
    }
    (folder / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    commands = ["check defs", "list defs --json", "list components --json"]
    done = subprocess.run(
        [sys.executable, "-c", DG, json.dumps([command.split() for command in commands])],
        cwd=ROOT, env=os.environ | settings, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.split("\0")[:-1]


def test_the_component_is_loaded_from_its_yaml_file(definitions):
    specs = definitions.resolve_all_asset_specs()
    assert {spec.owners for spec in specs} == {("team:data",)}
    assert len(specs) > 40
    assert "warehouse" in definitions.resources


def test_the_schedule_is_weekly_and_off_until_it_is_switched_on(definitions):
    schedule = definitions.get_repository_def().get_schedule_def("refresh_schedule")
    assert schedule.cron_schedule == "0 5 * * 1"
    assert schedule.execution_timezone == "UTC"
    assert schedule.default_status == dg.DefaultScheduleStatus.STOPPED


def test_every_run_is_one_process(definitions):
    assert definitions.executor is dg.in_process_executor
    assert definitions.resolve_job_def("refresh").executor_def.name == "in_process"


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


def test_dg_checks_and_lists_the_definitions(dg_outputs):
    checked, listed, _ = dg_outputs
    assert "All definitions loaded successfully" in checked
    found = json.loads(listed)
    assert [job["name"] for job in found["jobs"]] == ["credit", "promote_model", "refresh"]
    assert "published/report" in [asset["asset_key"] for asset in found["assets"]]


def test_dg_lists_the_component(dg_outputs):
    listed = json.loads(dg_outputs[-1])
    [summary] = [
        c["summary"] for c in listed["items"] if c["key"] == "lydite.dagster.LyditeComponent"
    ]
    assert summary.startswith("Compares attribution models")
