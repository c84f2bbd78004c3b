"""The image, the services and the production instance of Dagster.

Where Docker cannot build, the files are checked: what is copied exists, versions agree, programs
and options are those of the installed packages.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import dagster as dg
import pytest
import yaml

from tests.helpers.postgres_server import USER, find_program

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def instructions():
    """Return the instructions of the Dockerfile: name and text, with continued lines joined."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line.strip()]


def texts(name):
    return [text for found, text in instructions() if found == name]


def commands():
    """Return the commands that containers run: of the image, the services and their checks."""
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    of_image = [re.search(r"\[.*\]", text)[0] for text in texts("CMD") + texts("HEALTHCHECK")]
    found = [yaml.safe_load(command) for command in of_image]
    for service in services.values():
        found += [service["command"]] if "command" in service else []
        found.append(service["healthcheck"]["test"][1:])
    return [command for command in found if command[0] != "pg_isready"]


# --- the image ----------------------------------------------------------------------------------


def test_everything_that_is_copied_exists_and_is_sent_to_the_builder():
    sent = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    copied = [
        source
        for text in texts("COPY")
        if "--from=" not in text
        for source in [part for part in text.split() if not part.startswith("--")][:-1]
    ]
    assert copied
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(f"!{part}" in sent for part in (source, *map(str, Path(source).parents))), source


def test_all_files_of_the_build_are_copied_before_it():
    build = PROJECT["license-files"] + [PROJECT["readme"], "src/lydite", "sql", "pyproject.toml"]
    copied = " ".join(text for text in texts("COPY") if "--from=" not in text).split()
    assert set(build) <= set(copied)


def test_versions_are_those_of_the_lock_and_the_project():
    [python] = re.findall(r"^ARG PYTHON=(.*)$", DOCKERFILE, re.MULTILINE)
    lowest = PROJECT["requires-python"].removeprefix(">=")
    assert [int(part) for part in python.split(".")] >= [int(part) for part in lowest.split(".")]
    assert f"Programming Language :: Python :: {python}" in PROJECT["classifiers"]
    [extras] = re.findall(r"'\.\[(.*?)\]'", DOCKERFILE)
    assert set(extras.split(",")) <= set(PROJECT["optional-dependencies"])
    assert {"dagster", "deploy", "postgres", "remote"} <= set(extras.split(","))
    assert "--constraint requirements.lock" in DOCKERFILE


def test_the_lock_has_exact_versions_of_the_image_and_no_addresses():
    lines = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()[1:]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!+-]+", line) for line in lines)
    locked = {re.sub(r"[-_.]+", "-", line.split("==")[0]).lower() for line in lines}
    [extras] = re.findall(r"'\.\[(.*?)\]'", DOCKERFILE)
    needed = PROJECT["dependencies"] + [
        need for extra in extras.split(",") for need in PROJECT["optional-dependencies"][extra]
    ]
    names = {re.match(r"[\w.-]+", need)[0].lower() for need in needed}
    assert names <= locked


def test_the_user_is_not_root_and_the_image_has_a_health_check():
    users = texts("USER")
    assert users == ["10001:10001"]
    names = [name for name, _ in instructions()]
    assert names.index("USER") < names.index("CMD")
    assert "HEALTHCHECK" in names


@pytest.mark.parametrize("command", commands(), ids=lambda command: " ".join(command)[:50])
def test_programs_of_containers_exist_and_have_the_options(command):
    program, *arguments = command
    options = [argument for argument in arguments if argument.startswith("--")]
    if program == "python":
        compile(arguments[1], "health check", "exec")
        return
    words = []
    for argument in arguments:
        if argument.startswith("--"):
            break
        words.append(argument)
    script = Path(sys.executable).with_name(program)
    shown = subprocess.run(
        [script, *words, "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(option in shown for option in options)


# --- the services -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))


def test_services_have_health_checks_and_wait_for_what_they_need(compose):
    services = compose["services"]
    assert set(services) == {"code", "webserver", "daemon", "postgres"}
    for service in services.values():
        assert service["healthcheck"]["test"][0] == "CMD"
        assert service["restart"] == "unless-stopped"
        for needed, condition in service.get("depends_on", {}).items():
            assert needed in services
            assert condition == {"condition": "service_healthy"}


def test_the_code_location_is_where_the_workspace_looks_for_it(compose):
    workspace = yaml.safe_load((ROOT / "deploy/workspace.yaml").read_text(encoding="utf-8"))
    [server] = [entry["grpc_server"] for entry in workspace["load_from"]]
    assert server["host"] in compose["services"]
    [command] = [yaml.safe_load(text) for text in texts("CMD")]
    assert command[command.index("--port") + 1] == str(server["port"])
    for name in ("webserver", "daemon"):
        assert compose["services"][name]["command"][-1] == "/app/workspace.yaml"


def test_variables_of_the_instance_are_set_and_no_password_is_written(compose):
    instance = (ROOT / "deploy/dagster.yaml").read_text(encoding="utf-8")
    needed = set(re.findall(r"\{env: (\w+)\}", instance))
    for name in ("code", "webserver", "daemon"):
        assert needed <= set(compose["services"][name]["environment"])
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    for line in re.findall(r".*PASSWORD: .*", text):
        assert "${DAGSTER_POSTGRES_PASSWORD:?" in line
    assert "PASSWORD" not in DOCKERFILE


# --- the instance -------------------------------------------------------------------------------


def test_runs_are_set_as_on_one_machine():
    local = yaml.safe_load((ROOT / "dagster.yaml").read_text(encoding="utf-8"))
    production = yaml.safe_load((ROOT / "deploy/dagster.yaml").read_text(encoding="utf-8"))
    del local["storage"]
    assert local.items() <= production.items()


@dg.op
def one():
    return 1


@dg.job(executor_def=dg.in_process_executor)
def small():
    one()


@pytest.mark.skipif(
    find_program("initdb") is None, reason="PostgreSQL's initdb and postgres are not installed"
)
def test_a_run_is_stored_in_postgresql_and_read_back(postgres, tmp_path, monkeypatch):
    pytest.importorskip("dagster_postgres", reason="the extra deploy is not installed")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_LOGS", str(tmp_path / "logs"))
    postgres.run("drop database if exists dagster", "create database dagster")
    for name, value in {
        "HOST": "127.0.0.1",
        "PORT": str(postgres.port),
        "USER": USER,
        "PASSWORD": postgres.password,
        "DB": "dagster",
    }.items():
        monkeypatch.setenv(f"DAGSTER_POSTGRES_{name}", value)

    def instance():
        return dg.DagsterInstance.from_config(str(ROOT / "deploy"))

    with instance() as writer:
        result = small.execute_in_process(instance=writer)
        assert result.success
    with instance() as reader:
        run = reader.get_run_by_id(result.run_id)
        assert run.status is dg.DagsterRunStatus.SUCCESS
        events = reader.get_records_for_run(result.run_id).records
        kinds = {record.event_log_entry.dagster_event_type for record in events}
        assert dg.DagsterEventType.STEP_SUCCESS in kinds
        assert type(reader.schedule_storage).__module__.startswith("dagster_postgres")
        assert type(reader.run_coordinator).__name__ == "QueuedRunCoordinator"
    assert not list(tmp_path.rglob("*.db"))  # nothing is in SQLite
