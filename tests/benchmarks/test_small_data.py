"""The benchmark of little data: commands of several checkouts, alternating."""

from __future__ import annotations

import json
import subprocess

import pytest

from benchmarks import measure
from benchmarks import small_data as benchmark


def test_a_command_runs_with_the_sources_of_a_checkout(tmp_path):
    package = tmp_path / "src" / "lydite"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("print('from elsewhere')")
    command = benchmark.in_checkout(tmp_path, ["-c", "import lydite"])
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == (
        "from elsewhere\n"
    )


def test_both_checkouts_run_in_every_round(tmp_path, monkeypatch):
    ran = []

    def once(command):
        ran.append("now" if str(benchmark.HERE) in command[2] else "before")
        return dict.fromkeys(("process_seconds", "cpu_seconds", "peak_mb"), float(len(ran)))

    monkeypatch.setattr(benchmark.measure, "once", once)
    found = benchmark.measured(
        benchmark.QUICK, 2, tmp_path, before=tmp_path / "other", only="import"
    )
    assert ran == ["before", "now", "before", "now"]
    assert list(found["runs"]) == ["import lydite"]
    text = benchmark.section(found)
    assert "| import lydite | 3.00 s (2.00 to 4.00) |" in text
    assert "| 2.00× | 2.00× |" in text


def test_without_another_checkout_there_are_no_ratios(tmp_path, monkeypatch):
    figures = dict.fromkeys(("process_seconds", "cpu_seconds", "peak_mb"), 2.0)
    monkeypatch.setattr(benchmark.measure, "once", lambda _: figures)
    text = benchmark.section(benchmark.measured(benchmark.QUICK, 1, tmp_path))
    assert "| command | wall | processor | peak |" in text
    assert "×" not in text.partition("| command")[2]


def test_credit_is_that_of_a_path_table(tmp_path):
    commands = benchmark.commands(400, tmp_path)
    own = commands["credit, 400 touches"]
    assert measure.once(benchmark.in_checkout(benchmark.HERE, own))["cpu_seconds"] > 0
    assert json.dumps(own).endswith('"no"]')


@pytest.mark.parametrize("name", ["compare, the sample", "compare, 400 touches"])
def test_comparisons_are_commands_of_lydite(name, tmp_path):
    arguments = benchmark.commands(400, tmp_path)[name]
    assert arguments[2:4] == ["compare", "--quiet"]
    files = [argument.partition("=")[2] for argument in arguments[4:]]
    assert [file.endswith(".parquet") for file in files] == [True, True]
