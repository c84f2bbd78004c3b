"""The documentation: its Python code runs, and the files, links and targets that it names exist."""

import importlib.util
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "examples/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_python_in_the_docs_runs(file: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    if file.name == "experiments.md":
        pytest.importorskip("tea_tasting")
    names: dict[str, object] = {}
    for code in re.findall(r"```python\n(.*?)```", file.read_text(encoding="utf-8"), re.DOTALL):
        exec(compile(code, str(file), "exec"), names)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_links_and_paths_exist(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!http|#)([^)#]+)", text):
        assert (file.parent / target).exists(), target
    for path in re.findall(r"`((?:src|sql|pipelines|tests)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path


def test_the_hosted_workflow_runs_the_same_targets() -> None:
    targets = [
        re.findall(r"^\s*(?:- run: )?make ([\w-]+)", (ROOT / name).read_text(), re.MULTILINE)
        for name in (".ci/run", ".github/workflows/ci.yml")
    ]
    assert targets[0] == [target for target in targets[1] if target != "coverage"]


def test_every_target_that_is_named_exists() -> None:
    existing = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for file in [*FILES, ROOT / ".ci/run"]:
        named = re.findall(r"(?:^|`)make ([a-z-]+)", file.read_text(), re.MULTILINE)
        assert set(named) <= existing, file


def test_the_layers_are_those_that_are_checked_and_hold_every_module() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    block = re.search(r"```text\n(pipelines\n.*?)```", text, re.DOTALL)
    assert block is not None
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [layers] = [
        contract["layers"]
        for contract in settings["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    ]
    assert block[1].split("\n")[:-1] == [layer.replace(" | ", ", ") for layer in layers]
    modules = {path.stem for path in (ROOT / "src" / "lydite").iterdir() if path.suffix != ".typed"}
    named = {name.removeprefix("lydite.") for layer in layers for name in layer.split(" | ")}
    assert modules - {"__init__", "__pycache__", "simulation"} == named - {"pipelines"}


@pytest.mark.parametrize("name", ["analysts.md", "inputs.md"])
def test_described_tables_are_those_of_the_sql_files_and_the_schema(name):
    """`python docs/describe_tables.py` writes them."""
    path = ROOT / "docs/describe_tables.py"
    spec = importlib.util.spec_from_file_location("describe_tables", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.updated(name) == (ROOT / "docs" / name).read_text(encoding="utf-8")
