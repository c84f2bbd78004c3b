"""The operator's guide: its tables are those of the software, and its commands work."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from lydite import pipeline
from lydite.dagster.checks import all_checks
from lydite.dagster.specs import SpecFactory
from lydite.engine import DuckDBEngine
from lydite.settings import parse_settings

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
_READ = (
    r"environ(?:\.get\(|\[)f?\"(\w+)",
    r"\"(\w+)\" (?:not )?in os\.environ",
    r"getenv\(\"(\w+)",
)
# The names that inputs/remote.py makes.
_MADE = {f"AWS_{name}_FILE" for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")}


def section(title):
    found = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", GUIDE, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


def first_cells(title):
    """Return the code in the first cells of the table of a section."""
    rows = re.findall(r"^\| (`.*?) \|", section(title), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`(\w+)`", row)}


# --- environment variables ----------------------------------------------------------------------


def variables():
    """Return the environment variables that code and files of the deployment read."""
    found = set(_MADE)
    for folder in ("src", "pipelines"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found |= {name for pattern in _READ for name in re.findall(pattern, text)}
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    of_image = re.findall(r"^ENV ((?:.*\\\n)*.*)", dockerfile, re.MULTILINE)
    found |= {name for text in of_image for name in re.findall(r"(\w+)=", text)}
    found |= set(re.findall(r"\$\{(\w+)", (ROOT / "compose.yaml").read_text(encoding="utf-8")))
    instance = (ROOT / "deploy/dagster.yaml").read_text(encoding="utf-8")
    return found | set(re.findall(r"\{env: (\w+)\}", instance))


def test_every_environment_variable_is_documented_and_every_documented_one_is_read():
    assert first_cells("Environments") == variables()


# --- checks -------------------------------------------------------------------------------------


def test_every_check_is_documented_with_what_to_do():
    sources = {"touchpoints": "t.parquet", "conversions": "c.parquet"}
    settings = parse_settings({"sources": sources}, "settings")
    checks = all_checks(settings, SpecFactory())
    names = {key.name for check in checks for key in check.check_keys}
    assert first_cells("Checks") == names
    for line in section("Checks").splitlines():
        if line.startswith("| `"):
            assert all(len(cell.strip()) > 10 for cell in line.split("|")[2:4]), line


# --- sizes --------------------------------------------------------------------------------------


def test_sizes_are_those_of_the_benchmark():
    result = json.loads((ROOT / "benchmarks/results/whole_run.json").read_text(encoding="utf-8"))
    for run in result["runs"]:
        figures = {name: value["median"] for name, value in run["run"].items()}
        row = (
            f"| {figures['touches']:,.0f} | {figures['process_seconds']:.0f} s"
            f" | {figures['cpu_seconds']:.0f} s | {figures['peak_mb'] / 1000:.1f} GB |"
        )
        assert row in section("Sizing"), row


# --- backups ------------------------------------------------------------------------------------


def shell(title, number):
    return re.findall(r"```sh\n(.*?)```", section(title), re.DOTALL)[number]


def run(commands, folder):
    subprocess.run(["bash", "-euc", commands], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def project(tmp_path):
    (tmp_path / "lydite.toml").write_text("[sources]\n")
    (tmp_path / "decisions.jsonl").write_text('{"number": 1}\n')
    with DuckDBEngine(tmp_path / "var/warehouse.duckdb") as engine:
        pipeline.upgrade_warehouse(engine)
        engine.create("ledger.scores", "select i, i / 7 as log_loss from range(9000) as t(i)")
        engine.create("decisions.log", "select 1 as number")
        engine.create("mart.pairs", "select 'a' as model")
    return tmp_path


def tables(folder):
    """Return all rows of all tables of the warehouse."""
    with DuckDBEngine(folder / "var/warehouse.duckdb") as engine:
        names = engine.rows("select schema_name, table_name from duckdb_tables() order by all")
        return {name: engine.rows(f"from {name[0]}.{name[1]} order by all") for name in names}


@pytest.mark.skipif(
    not (shutil.which("flock") and shutil.which("tar")), reason="flock and tar are not installed"
)
def test_what_is_restored_equals_what_was_backed_up(project):
    before = tables(project)
    run(shell("Backup and restore", 0), project)
    (project / "decisions.jsonl").unlink()
    with DuckDBEngine(project / "var/warehouse.duckdb") as engine:
        engine.run("drop table ledger.scores")
        engine.create("mart.pairs", "select 'b' as model")
    (project / "var/warehouse.duckdb.wal").write_bytes(b"of a run that was killed")
    run(shell("Backup and restore", 1), project)
    assert tables(project) == before
    assert (project / "decisions.jsonl").read_text() == '{"number": 1}\n'


@pytest.mark.skipif(not shutil.which("flock"), reason="flock is not installed")
def test_a_backup_waits_for_a_run(project):
    commands = shell("Backup and restore", 0).replace("--timeout 3600", "--timeout 0.1")

    with (
        FileLock(project / "var/warehouse.duckdb.lock"),
        pytest.raises(subprocess.CalledProcessError),
    ):
        run(commands, project)
    assert not list((project / "backups").iterdir())
