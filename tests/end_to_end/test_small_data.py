"""Data that is too short for a verdict has credit everywhere, and the day of the first forecast."""

import json
import shutil
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from lydite.dagster import LyditeComponent
from lydite.scaffold import create_project
from tests.helpers.command_line import lydite
from tests.helpers.journeys import few_journeys

#: Five conversions a day for thirty days; see tests/pipeline/test_outcomes.py.
FIRST = "2024-04-10"


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("small") / "shop"
    create_project(folder)
    sources = few_journeys(30, 5)
    sources["conversions"] = sources["conversions"].slice(1)  # a user who does not convert
    for name, frame in sources.items():
        frame.write_csv(folder / f"data/{name}.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    settings = folder / "lydite.toml"
    text = settings.read_text()
    settings.write_text(f'models = ["linear", "markov_1", "shapley"]\n{text}')
    return folder


def test_the_command_line_has_credit_and_the_day(project):
    done = lydite("compare", "--format", "json", cwd=project)
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)["outcomes"]["conversion"]
    assert outcome["first_forecast"] == FIRST
    assert {model["verdict"] for model in outcome["models"]} == {"too_early"}
    earned = {(row["model"], row["channel"]): row["conversions"] for row in outcome["credit"]}
    for model in ("linear", "markov_1", "shapley"):
        assert earned[model, "ad"] + earned[model, "mail"] == pytest.approx(149)
    checked = json.loads(lydite("check", "--json", cwd=project).stdout)
    assert checked["outcomes"][0]["first_forecast"] == FIRST
    alone = json.loads(lydite("credit", "--no-intervals", "--format", "json", cwd=project).stdout)[
        "credit"
    ]
    found = {(row["model"], row["channel"]): row["conversions"] for row in alone}
    assert found == pytest.approx(earned)


def test_a_run_of_dagster_publishes_credit_and_the_day(project, tmp_path):
    folder = shutil.copytree(project, tmp_path / "shop")
    component = LyditeComponent(settings=folder / "lydite.toml")
    job = dg.build_defs_for_component(component).resolve_job_def("refresh")
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance).success
    with duckdb.connect(str(folder / "var/attribution.duckdb"), read_only=True) as reader:
        [(note, first)] = reader.execute(
            "select note, first_forecast from mart.outcomes"
        ).fetchall()
        total = reader.execute(
            "select sum(conversions) from mart.channel_credit where model = 'shapley'"
        ).fetchall()
        verdicts = reader.execute("select distinct verdict from mart.model_comparison").fetchall()
    assert str(first) == FIRST
    assert f"The first forecast will be possible on {FIRST}." in note
    assert total == [(pytest.approx(149),)]
    assert verdicts == [("too_early",)]
    assert FIRST in (folder / "var/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("days", [1, 2])
def test_a_handful_of_conversions_has_credit(days, tmp_path):
    sources = few_journeys(days)
    for name, frame in sources.items():
        frame.write_csv(tmp_path / f"{name}.csv")
    done = lydite(
        "credit", "--touchpoints", tmp_path / "touchpoints.csv", "--conversions",
        tmp_path / "conversions.csv", "--format", "json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["credit"]
    assert {row["model"] for row in rows} >= {"linear", "markov_4", "additive_hazard"}
    for model in {row["model"] for row in rows}:
        assert sum(row["conversions"] for row in rows if row["model"] == model) == pytest.approx(
            days
        )
