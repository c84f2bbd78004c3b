"""``lydite ledger``: what it prints, what it writes, and its errors."""

from __future__ import annotations

import json
from datetime import date

import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.models import make_models
from lydite.settings import make_settings
from lydite.simulation import simulate
from tests.helpers.command_line import lydite
from tests.helpers.processes import held_by_another_process

SETTINGS = """
[sources]
touchpoints = "t.parquet"
conversions = "c.parquet"
[storage]
warehouse = "data/warehouse.duckdb"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a folder with settings and a warehouse in which four weeks or more are scored."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "lydite.toml").write_text(SETTINGS)
    made = simulate("linear", users=1500, seed=1, weeks=12)
    sources = {"touchpoints": made.touchpoints, "conversions": made.conversions}
    with DuckDBEngine(folder / "data/warehouse.duckdb") as engine:
        pipeline.run(
            engine, sources, make_settings(lookback="7d"),
            rivals=make_models(["linear", "last_touch"]),
        )  # fmt: skip
    return folder


def periods(project) -> list[dict[str, object]]:
    return json.loads(lydite("ledger", "list", "--format", "json", cwd=project).stdout)


def test_scored_periods_are_listed_and_voided(project):
    before = periods(project)
    assert {row["status"] for row in before} == {"scored"}
    first, last = before[0]["first_day"], before[1]["first_day"]
    run = lydite(
        "ledger", "void", "--outcome", "conversion", "--from", first, "--to", last,
        "--reason", "[wrong] export", cwd=project,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert (
        f"voided 2 of the periods of conversion, by their first day: {first}, {last}" in run.stdout
    )
    after = periods(project)
    assert [row["status"] for row in after] == ["voided", "voided", *["scored"] * (len(after) - 2)]
    assert after[0]["voided_by"]
    assert date.fromisoformat(str(after[0]["voided_at"])[:10])
    table = lydite("ledger", "list", "--outcome", "conversion", cwd=project).stdout
    assert "[wrong] export" in table


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["list", "--warehouse", "none.duckdb"], "there is no warehouse none.duckdb"),
        (["list", "--outcome", "lead"], "no period of the outcome 'lead' has been scored"),
        (["void", "--outcome", "lead", "--reason", "x"], "the ledger has: conversion"),
        (["void", "--outcome", "conversion", "--reason", ""], "give a reason"),
        (["void", "--outcome", "conversion", "--reason", "x"], "no scored period"),
    ],
)
def test_bad_calls_say_what_is_wrong(project, arguments, words):
    if arguments[0] == "void":
        arguments = [*arguments, "--from", "2030-01-01", "--to", "2030-02-01"]
    run = lydite("ledger", *arguments, cwd=project)
    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_a_folder_without_settings_needs_the_warehouse(tmp_path):
    run = lydite("ledger", "list", cwd=tmp_path)
    assert run.returncode == 2
    assert "there is no settings file lydite.toml" in run.stderr


def test_a_file_that_is_being_written_is_named(project):
    with held_by_another_process(project / "data/warehouse.duckdb"):
        run = lydite("ledger", "list", cwd=project)
    assert run.returncode == 3
    assert "is being written by another process" in run.stderr
