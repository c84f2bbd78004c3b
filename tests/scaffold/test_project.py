"""A new project: its files, and that everything in it runs without an edit."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from lydite.errors import InputError
from lydite.scaffold import SHAPES, create_project
from lydite.settings import load_settings
from tests.helpers.command_line import lydite


@pytest.fixture(scope="module", params=SHAPES)
def project(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("projects") / request.param
    create_project(folder, request.param)
    return folder


def test_every_source_of_the_settings_is_a_commented_select(project: Path) -> None:
    sources = load_settings(project / "lydite.toml").sources.present()
    for name, file in sources.items():
        text = (project / str(file)).read_text()
        assert text.startswith("-- ")
        assert "your" in text
        assert "data_samples" not in text
        assert not re.search(r"\{\w+\}", text), name
    assert {path.name for path in (project / "sql/sources").iterdir()} == {
        f"{name}.sql" for name in sources
    }


def test_compare_and_credit_run_in_the_folder(project: Path) -> None:
    done = lydite("compare", "--models", "linear,last_touch", "--format", "json", cwd=project)
    assert done.returncode == 0, done.stderr
    for outcome in json.loads(done.stdout)["outcomes"].values():
        assert outcome["periods"] >= 5
        assert "note" not in outcome
        verdicts = {model["model"]: model["verdict"] for model in outcome["models"]}
        assert verdicts["linear"] in {"contender", "best", "refuted", "too_early"}
        assert outcome["unattributed"] == 0
    done = lydite("credit", "--models", "linear", "--no-intervals", "--format", "json", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "quarantined" not in json.loads(done.stdout)


def test_the_sample_is_small(project: Path) -> None:
    assert sum(file.stat().st_size for file in project.rglob("*") if file.is_file()) < 3_000_000


def test_settings_of_another_folder_can_be_named(tmp_path: Path) -> None:
    create_project(tmp_path / "shop", "sessions")
    done = lydite(
        "credit", "--settings", "shop/lydite.toml", "--models", "last_touch", "--no-intervals",
        "--lookback", "7d", "--format", "json", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["credit"]
    done = lydite("compare", "--settings", "shop/lydite.toml", "--paths", "p.csv", cwd=tmp_path)
    assert done.returncode == 2
    assert "--settings and --paths cannot be combined" in done.stderr


def test_a_folder_with_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(InputError, match="is not an empty folder"):
        create_project(tmp_path)
    with pytest.raises(InputError, match="is not an empty folder"):
        create_project(tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_an_unknown_sample_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no sample 'adobe'; there are: ga4"):
        create_project(tmp_path / "shop", "adobe")


def _run(project: Path, *command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    environment["DAGSTER_HOME"] = str(project / "home")
    (project / "home").mkdir(exist_ok=True)
    return subprocess.run(
        [Path(sys.executable).with_name(command[0]), *command[1:]],
        cwd=project, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_dagster_and_dg_load_the_project_and_run_the_job(tmp_path: Path) -> None:
    project = tmp_path / "shop"
    create_project(project, "ga4")
    checked = _run(project, "dg", "check", "defs")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    settings = project / "lydite.toml"
    text = settings.read_text()
    settings.write_text(f'models = ["linear", "last_touch"]\n{text}')
    run = _run(project, "dg", "launch", "--job", "refresh")
    assert run.returncode == 0, run.stderr[-3000:]
    assert "load_touchpoints" in run.stderr
    assert (project / "var/attribution.duckdb").exists()
    assert (project / "var/report.html").exists()
