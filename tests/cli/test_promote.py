"""``lydite promote``, and ``lydite history`` and ``lydite report`` after it."""

from __future__ import annotations

import json

import pytest

from lydite import pipeline
from lydite.decisions import read_log
from lydite.engine import DuckDBEngine
from lydite.models import make_models
from lydite.publishing import publish
from lydite.settings import make_settings
from lydite.simulation import simulate
from tests.helpers.command_line import lydite

SETTINGS = """
[sources]
touchpoints = "t.parquet"
conversions = "c.parquet"
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a folder with settings and a published file in which last touch is refuted."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "lydite.toml").write_text(SETTINGS)
    made = simulate("first_touch", users=3000, seed=1, weeks=16)
    sources = {"touchpoints": made.touchpoints, "conversions": made.conversions}
    with DuckDBEngine(threads=1) as engine:
        settings = make_settings(lookback="7d")
        models = make_models(["first_touch", "last_touch"])
        pipeline.run(engine, sources, settings, rivals=models)
        publish(engine, folder / "var/attribution.duckdb")
    return folder


def promote(project, *arguments, reason="it leads"):
    return lydite("promote", *arguments, "--outcome", "conversion", "--reason", reason, cwd=project)


def test_decisions_are_made_and_shown(project):
    before = lydite("history", cwd=project)
    assert before.returncode == 0, before.stderr
    assert "is refuted: first touch forecasts better" in " ".join(before.stdout.split())
    assert "in use until somebody decides" in before.stdout

    run = promote(project, "first_touch", "--by", "ann")
    assert run.returncode == 0, run.stderr
    assert "first_touch is in use from now on, before it was last_touch (decision 1" in run.stdout
    [decision] = read_log(project / "decisions.jsonl")
    assert (decision.decided_by, decision.reason) == ("ann", "it leads")
    after = " ".join(lydite("history", "--outcome", "conversion", cwd=project).stdout.split())
    assert "In use: first touch, decided on" in after
    assert "ann decided to use first touch: it leads" in after
    assert "Refuted hypotheses" in after

    refused = promote(project, "last_touch")
    assert refused.returncode == 2
    assert "last_touch is refuted for conversion by first_touch" in refused.stderr
    assert "--despite-refuted" in refused.stderr
    despite = promote(project, "last_touch", "--despite-refuted", reason="the board wants it")
    assert despite.returncode == 0, despite.stderr
    assert "the report will say so" in despite.stdout
    assert lydite("report", "--out", "report.html", cwd=project).returncode == 0
    report = (project / "report.html").read_text()
    assert 'role="alert"' in report
    assert "promoted it nevertheless (the board wants it)" in report

    found = json.loads(lydite("history", "--format", "json", cwd=project).stdout)
    assert [row["number"] for row in found["decisions"]] == [1, 2]
    assert found["champions"][0]["despite"].startswith("first_touch")
    assert found["timeline"][-1]["text"] == "the board wants it"
    assert {row["model"] for row in found["hypotheses"]} == {"first_touch", "last_touch"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["first_touch", "--outcome", "sale", "--reason", "x"], "there is no outcome 'sale'"),
        (["frst_touch", "--outcome", "conversion", "--reason", "x"], "Did you mean 'first_touch'"),
        (["first_touch", "--outcome", "conversion", "--reason", " "], "give a reason"),
        (["first_touch", "--outcome", "conversion"], "--reason"),
    ],
)
def test_bad_calls_say_what_is_wrong(project, arguments, words):
    run = lydite("promote", *arguments, cwd=project)
    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_without_a_published_file_nothing_can_be_promoted(tmp_path):
    (tmp_path / "lydite.toml").write_text(SETTINGS)
    run = promote(tmp_path, "first_touch")
    assert run.returncode == 2
    assert "there is no published file" in run.stderr
    assert not (tmp_path / "decisions.jsonl").exists()


def test_a_log_that_was_changed_is_named(project, tmp_path):
    published = project / "var/attribution.duckdb"
    (tmp_path / "lydite.toml").write_text(f'{SETTINGS}[storage]\npublished = "{published}"')
    (tmp_path / "decisions.jsonl").write_text("{}\n")
    for run in (lydite("history", cwd=tmp_path), promote(tmp_path, "first_touch")):
        assert run.returncode == 2
        assert "decisions.jsonl, line 1 was changed" in run.stderr
