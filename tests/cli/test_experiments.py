"""`lydite experiments`."""

from __future__ import annotations

import json

import polars as pl
import pytest

from tests.helpers.command_line import lydite
from tests.helpers.holdout import PLAN, simulate_holdout

pytest.importorskip("tea_tasting")


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    names = ("touchpoints", "conversions", "experiments")
    for name, frame in zip(names, simulate_holdout(), strict=True):
        frame.write_parquet(folder / f"{name}.parquet")
    lines = ["[sources]", *(f'{name} = "{name}.parquet"' for name in names)]
    lines += [
        "[experiments.email]",
        *(f"{key} = {json.dumps(value)}" for key, value in PLAN.items()),
    ]
    file = folder / "lydite.toml"
    file.write_text("\n".join(lines))
    return file


def test_json_has_rows_and_checks(project):
    run = lydite("experiments", "--settings", project, "--format", "json", "--quiet")
    assert run.returncode == 0, run.stderr
    [found] = json.loads(run.stdout)
    assert (found["experiment"], found["may_read"]) == ("email", "fixed")
    assert {row["arm"] for row in found["rows"]} == {"control", "treated"}
    assert {check["status"] for check in found["checks"]} == {"passed", "not_checked"}
    assert found["predictions"] == []


def test_a_table_for_people(project):
    run = lydite("experiments", "--settings", project, "--experiment", "email", "--quiet")
    assert run.returncode == 0, run.stderr
    assert "purchase*" in run.stdout
    assert "The experiment is over" in run.stdout


def test_an_unknown_experiment_is_refused(project):
    run = lydite("experiments", "--settings", project, "--experiment", "radio")
    assert run.returncode == 2
    assert "no experiment 'radio' is declared; there are: email" in run.stderr


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (pl.col("arm").replace("treated", "Blue"), "users are in the arm 'Blue'"),
        (pl.col("arm").str.to_titlecase(), "Is it 'control', spelled differently?"),
        (pl.lit("treated").alias("arm"), "no user is in the control arm 'control'"),
    ],
)
def test_arms_that_do_not_fit_are_refused_in_one_line(project, change, says):
    file = project.parent / "experiments.parquet"
    before = pl.read_parquet(file)
    try:
        before.with_columns(change).write_parquet(file)
        run = lydite("experiments", "--settings", project, "--quiet")
    finally:
        before.write_parquet(file)
    assert run.returncode == 2
    assert says in " ".join(run.stderr.split())
    assert "Traceback" not in run.stderr
    assert run.stdout == ""
