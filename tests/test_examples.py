"""The scripts in `examples/` run and print the results that they promise."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PRINTED = {
    "compare_models": ["best", "last_touch", "explained"],
    "credit_from_paths": ["markov_1", "conversions_low"],
    "custom_models": ["email_twice", "bernoulli_nb"],
    "load_with_dlt": ["orders of", "were loaded"],
}


#: What notebooks print when they run as scripts.
NOTEBOOKS = {
    "explore_sample": ["Comparison(", "campaigns:", "7d", "touches of the longest journey:"]
}


def test_every_script_is_listed_and_tested():
    scripts = {path.stem for path in EXAMPLES.glob("*.py")}
    assert scripts == {*PRINTED, *NOTEBOOKS}
    readme = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert all(f"({script}.py)" in readme for script in scripts)


@pytest.mark.parametrize("script", PRINTED)
def test_the_script_runs(script, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    runpy.run_path(str(EXAMPLES / f"{script}.py"))
    printed = capsys.readouterr().out
    assert all(text in printed for text in PRINTED[script])


@pytest.mark.parametrize("notebook", NOTEBOOKS)
def test_the_notebook_runs(notebook, capsys):
    pytest.importorskip("marimo")
    runpy.run_path(str(EXAMPLES / f"{notebook}.py"), run_name="__main__")
    printed = capsys.readouterr().out
    assert all(text in printed for text in NOTEBOOKS[notebook])
