"""Imports: `lydite --help` does not wait for the numerical packages."""

import subprocess
import sys
from pathlib import Path

import pytest

import lydite
from lydite.cli.app import app

HEAVY = {
    "altair", "dagster", "duckdb", "jinja2", "networkx", "numpy", "pandas", "polars", "pyarrow",
    "pyspark", "scipy", "sklearn", "vl_convert",
}  # fmt: skip
# Prints the names of the modules last, on standard error, however the program ends.
REPORT = """
import sys
try:
    {body}
finally:
    print(*sys.modules, file=sys.stderr)
"""
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands]


def modules_after(
    body: str, *arguments: str, code: int = 0, folder: Path | None = None
) -> set[str]:
    """Run statements in a new interpreter; return the names of what they imported."""
    run = subprocess.run(
        [sys.executable, "-c", REPORT.format(body=body), *arguments],
        capture_output=True,
        text=True,
        cwd=folder,
        check=False,
    )
    assert run.returncode == code, run.stderr
    return set(run.stderr.splitlines()[-1].split())


def test_what_a_notebook_takes_is_there_and_is_seen_by_the_report() -> None:
    modules = modules_after("from lydite import compare, credit, simulate, models")
    assert modules >= {"duckdb", "numpy", "polars", "scipy"}


def test_import_lydite_alone_is_light() -> None:
    modules = modules_after("import lydite; dir(lydite)")
    assert not HEAVY & modules
    found = {name for name in modules if name.startswith("lydite")}
    assert found == {"lydite", "lydite.late_imports"}


def test_credit_from_paths_imports_neither_pandas_nor_the_pipeline(tmp_path: Path) -> None:
    (tmp_path / "paths.csv").write_text("path,conversions,nulls\na > b,1,2\nb,1,3\n")
    models = ["first_touch", "last_non_direct", "linear", "markov_1", "markov_3", "shapley"]
    body = f"import lydite; lydite.credit('paths.csv', models={models}, intervals=False)"
    modules = modules_after(body, folder=tmp_path)
    heavy = {"pandas", "scipy.linalg", "sklearn", "lydite.pipeline", "lydite.evaluation"}
    assert not heavy & modules


def test_every_command_is_tried() -> None:
    assert {"init", "compare", "credit", "simulate"} <= set(COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], *([command, "--help"] for command in COMMANDS)],
    ids=" ".join,
)
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    modules = modules_after("from lydite.cli import main; main()", *arguments)
    assert not HEAVY & modules
    # typer needs pydantic for converting values, and help has none to convert.
    assert "pydantic" not in modules
    ours = {name for name in modules if name.split(".")[0] == "lydite"}
    assert {name for name in ours if not name.startswith("lydite.cli")} == {
        "lydite",
        "lydite.environment",
        "lydite.errors",
        "lydite.late_imports",
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ["compare"],
        ["compare", "--no-such-option"],
        ["compare", "--paths", "p.csv", "--users", "u.csv"],
        ["credit"],
    ],
    ids=" ".join,
)
def test_a_call_that_cannot_work_is_refused_at_once(arguments: list[str], tmp_path: Path) -> None:
    body = "from lydite.cli import main; main()"
    assert not HEAVY & modules_after(body, *arguments, code=2, folder=tmp_path)


@pytest.mark.parametrize("name", lydite.__all__)
def test_public_names_are_listed_and_found(name: str) -> None:
    assert name in dir(lydite)
    assert getattr(lydite, name).__name__.rpartition(".")[2] == name


def test_a_star_takes_all_public_names() -> None:
    names: dict[str, object] = {}
    exec("from lydite import *", names)
    assert set(lydite.__all__) <= set(names)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'lydite' has no attribute 'compere'"):
        _ = lydite.compere
