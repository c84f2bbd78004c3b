"""``lydite next``: what it prints, and its errors."""

from __future__ import annotations

import json

import pytest

from lydite.engine import DuckDBEngine
from lydite.publishing import publish
from lydite.settings import load_settings
from tests.helpers.command_line import lydite
from tests.helpers.made_next_experiments import SEARCH, compare_with_proposals


@pytest.fixture
def project(tmp_path):
    """Return a folder with settings and a published file of tables made by hand."""
    (tmp_path / "lydite.toml").write_text('[sources]\ntouchpoints = "t"\nconversions = "c"')
    made = compare_with_proposals(SEARCH)
    with DuckDBEngine() as engine:
        for name, table in made.marts.items():
            engine.store(f"mart.{name}", table)
        outcomes = (
            "select outcome, '30d' as lookback, 10 as landmarks, 5 as conversions,"
            " 4 as attributed, 1 as unattributed, 3 as periods, now()::timestamp as as_of,"
            " 10 as sampled_landmarks, '' as note, null::date as first_forecast"
            " from (values ('purchase'), ('lead')) as outcomes (outcome)"
        )
        engine.create("mart.outcomes", outcomes)
        engine.create("mart.runs", "select 0.05 as alpha")
        engine.create("mart.models_left_out", "select '' as model, '' as reason where false")
        engine.create("mart.findings", "select 1 as kind where false")
        engine.create("mart.schema_version", "select 1 as schema_version, '0' as lydite_version")
        publish(engine, tmp_path / "var/attribution.duckdb")
    return tmp_path


def test_the_next_experiments_are_printed(project):
    run = lydite("next", cwd=project)
    assert run.returncode == 0, run.stderr
    assert "Hold out 10% of the users for 4 weeks" in " ".join(run.stdout.split())
    found = json.loads(lydite("next", "--format", "json", cwd=project).stdout)
    assert [row["channel"] for row in found] == ["paid_search"]
    # For the only outcome with proposals.
    run = lydite("next", "--declare", "paid_search", cwd=project)
    assert run.returncode == 0, run.stderr
    with (project / "lydite.toml").open("a") as settings:
        settings.write(f"\n{run.stdout}")
    declared = load_settings(project / "lydite.toml").experiments
    assert [plan.channel for plan in declared.values()] == ["paid_search"]
    run = lydite("next", "--outcome", "click", cwd=project)
    assert run.returncode == 2
    assert "no outcome 'click'" in run.stderr
