"""``lydite report``: the report of a run, from its published file alone."""

from __future__ import annotations

import duckdb
import pytest

from lydite import pipeline
from lydite.engine import DuckDBEngine
from lydite.models import make_models
from lydite.publishing import publish
from lydite.reporting.report import report_html
from lydite.results import read_comparison, read_published
from lydite.settings import make_settings
from lydite.simulation import simulate
from tests.helpers.command_line import lydite


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Return a folder with a published file, and the report of the run that wrote it."""
    folder = tmp_path_factory.mktemp("project")
    made = simulate("linear", users=1500, seed=1, weeks=12)
    sources = {"touchpoints": made.touchpoints, "conversions": made.conversions}
    with DuckDBEngine() as engine:
        settings = make_settings(lookback="7d")
        pipeline.run(engine, sources, settings, rivals=make_models(["linear", "last_touch"]))
        publish(engine, folder / "shop.duckdb")
        (folder / "expected.html").write_text(report_html(read_comparison(engine)))
    return folder


def test_the_report_is_that_of_the_run(project):
    run = lydite("report", "--database", "shop.duckdb", "--out", "out/report.html", cwd=project)
    assert run.returncode == 0
    assert run.stdout.strip() == "the report is out/report.html"
    text = (project / "out/report.html").read_text(encoding="utf-8")
    assert text == (project / "expected.html").read_text(encoding="utf-8")


def test_the_settings_say_where_the_files_are(project):
    (project / "lydite.toml").write_text(
        '[sources]\ntouchpoints = "t.csv"\nconversions = "c.csv"\n'
        '[storage]\npublished = "shop.duckdb"\nreport = "here.html"\n'
    )
    assert lydite("report", cwd=project).returncode == 0
    assert (project / "here.html").exists()
    [kept] = (project / "var/reports").iterdir()
    assert kept.read_bytes() == (project / "here.html").read_bytes()
    (project / "lydite.toml").unlink()


def test_names_and_the_currency_are_those_of_the_settings(project):
    channels = read_published(project / "shop.duckdb").credit["channel"].unique().sort()
    [channel] = channels.filter(channels != "(unattributed)").head(1)
    (project / "lydite.toml").write_text(
        '[sources]\ntouchpoints = "t.csv"\nconversions = "c.csv"\n'
        '[storage]\npublished = "shop.duckdb"\n'
        f'[report]\nkeep = 1\n[report.channel_names]\n"{channel}" = "The Channel"\n'
    )
    assert lydite("report", cwd=project).returncode == 0
    assert "The Channel" in (project / "var/report.html").read_text(encoding="utf-8")
    (project / "lydite.toml").write_text(
        (project / "lydite.toml").read_text().replace("keep = 1", 'main_outcome = "order"')
    )
    run = lydite("report", cwd=project)
    assert run.returncode == 2
    assert "no outcome 'order' in this comparison" in run.stderr.replace("\n", " ")
    (project / "lydite.toml").unlink()


@pytest.mark.parametrize("kind", ["missing", "text", "other"])
def test_a_file_without_a_comparison_is_refused(project, tmp_path, kind):
    path = tmp_path / "some.duckdb"
    if kind == "text":
        path.write_text("no database")
    if kind == "other":
        duckdb.connect(str(path)).close()
    run = lydite("report", "--database", str(path), "--out", "x.html", cwd=tmp_path)
    assert run.returncode == 2
    assert run.stderr.startswith("error: ")
    assert str(path) in run.stderr.replace("\n", "")
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "x.html").exists()


def test_a_published_comparison_equals_that_of_the_run(project):
    read = read_published(project / "shop.duckdb", "pandas")
    assert type(read.table).__module__.startswith("pandas")
    assert read.alpha == 0.05
    assert read.verdict().endswith("only an experiment shows what a channel adds.")
