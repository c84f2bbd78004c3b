"""`lydite credit`: JSON, tables, and bad input."""

import json
from pathlib import Path

import pytest

from tests.helpers.command_line import lydite


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("paths") / "paths.csv"
    file.write_text("path,conversions,value,nulls\na > b,30,90,70\nb,5,5,95\nc > a,9,18,3\n")
    return file


def test_credit_of_a_path_table_as_json(paths: Path) -> None:
    run = lydite(
        "credit", "--paths", paths, "--models", "markov_1,linear", "--format", "json", "--quiet"
    )
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert {"model", "channel", "conversions", "value", "removal_effect"} <= set(
        result["credit"][0]
    )
    for model in ("markov_1", "linear"):
        rows = [row for row in result["credit"] if row["model"] == model]
        assert sum(row["conversions"] for row in rows) == pytest.approx(44)
        assert all((row["removal_effect"] is None) == (model == "linear") for row in rows)
    assert {row["from"] for row in result["transitions"]} == {"(start)", "a", "b", "c"}


def test_credit_of_a_path_table_as_a_table_with_a_rule(paths: Path) -> None:
    run = lydite("credit", "--paths", paths, "--models", "linear", "--rule", "late=position")
    assert run.returncode == 0, run.stderr
    assert "Credit according to late" in run.stdout
    assert "95% interval" in run.stdout


def test_credit_of_a_path_table_without_intervals(paths: Path) -> None:
    arguments = ("credit", "--paths", paths, "--models", "linear", "--no-intervals")
    table, data = lydite(*arguments), lydite(*arguments, "--format", "json", "--quiet")
    assert (table.returncode, data.returncode) == (0, 0), table.stderr + data.stderr
    assert "interval" not in table.stdout
    assert "share" in table.stdout
    rows = json.loads(data.stdout)["credit"]
    assert sum(row["conversions"] for row in rows) == pytest.approx(44)
    assert {row["conversions_low"] for row in rows} == {None}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["credit", "--paths", "no.csv"], "no such file"),
        (["credit", "--paths", "PATHS", "--rule", "mine"], "name=expression"),
        (["credit", "--paths", "PATHS", "--rule", "mine=moon"], "moon"),
        (["credit", "--paths", "PATHS", "--models", "time_decay"], "when touches"),
        (["compare", "--paths", "PATHS"], "too few"),
        (["compare", "--paths", "PATHS", "--touchpoints", "t.csv"], "cannot be combined"),
        (["compare", "--touchpoints", "t.csv"], "--conversions is missing"),
    ],
)
def test_bad_calls_with_path_tables_say_what_is_wrong(
    paths: Path, arguments: list[str], words: str
) -> None:
    run = lydite(*(paths if argument == "PATHS" else argument for argument in arguments))
    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr
