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


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return touchpoints and conversions: four users, one of whom does not convert."""
    folder = tmp_path_factory.mktemp("touchpoints")
    touches, orders = folder / "touchpoints.csv", folder / "conversions.csv"
    touches.write_text(
        "user_id,touched_at,channel\n"
        + "".join(f"{n},2024-01-0{n} 00:00,ad\n{n},2024-01-0{n} 02:00,mail\n" for n in range(1, 5))
    )
    orders.write_text(
        "user_id,converted_at,value\n"
        + "".join(f"{n},2024-01-0{n} 03:00,10\n" for n in range(1, 4))
    )
    return touches, orders


def test_credit_of_touchpoints(files: tuple[Path, Path]) -> None:
    touches, orders = files
    arguments = ("credit", "--touchpoints", touches, "--conversions", orders)
    arguments += ("--models", "linear,markov_1", "--no-intervals", "--quiet")
    table, data = lydite(*arguments), lydite(*arguments, "--format", "json")
    assert (table.returncode, data.returncode) == (0, 0), table.stderr + data.stderr
    assert "Credit according to linear" in table.stdout
    assert "(unattributed)" in table.stdout
    assert "too early" not in table.stdout
    record = json.loads(data.stdout)
    assert set(record) == {"credit", "transitions", "left_out"}
    credit = {
        (row["model"], row["channel"]): (row["conversions"], row["value"])
        for row in record["credit"]
    }
    assert credit["linear", "ad"] == credit["linear", "mail"] == (1.5, 15)
    assert credit["linear", "(unattributed)"] == (0, 0)


def test_credit_of_touchpoints_from_sql_files(files: tuple[Path, Path], tmp_path: Path) -> None:
    touches, orders = files
    source = tmp_path / "touchpoints.sql"
    source.write_text(
        "select user_id, touched_at, upper(channel) as channel"
        f" from read_csv('{touches}') where channel = 'mail'"
    )
    run = lydite(
        "credit", "--touchpoints", source, "--conversions", orders, "--models", "linear",
        "--no-intervals", "--format", "json", "--quiet",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    rows = json.loads(run.stdout)["credit"]
    assert {row["channel"]: row["conversions"] for row in rows}["MAIL"] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["credit", "--paths", "no.csv"], "no such file"),
        (["credit"], "--touchpoints is missing"),
        (["credit", "--touchpoints", "t.csv"], "--conversions is missing"),
        (["credit", "--paths", "PATHS", "--spend", "s.csv"], "cannot be combined"),
        (
            ["credit", "--touchpoints", "t", "--conversions", "c", "--normalise", "global"],
            "--normalise needs --paths",
        ),
        (["credit", "--paths", "PATHS", "--rule", "mine"], "name=expression"),
        (["credit", "--paths", "PATHS", "--rule", "mine=moon"], "moon"),
        (["credit", "--paths", "PATHS", "--models", "time_decay"], "when touches"),
        (["compare", "--paths", "PATHS", "--touchpoints", "t.csv"], "cannot be combined"),
        (["compare", "--touchpoints", "t.csv"], "--conversions is missing"),
        (
            ["compare", "--touchpoints", "t", "--conversions", "c", "--separator", "|"],
            "--separator needs --paths",
        ),
    ],
)
def test_bad_calls_with_path_tables_say_what_is_wrong(
    paths: Path, arguments: list[str], words: str, tmp_path: Path
) -> None:
    given = (paths if argument == "PATHS" else argument for argument in arguments)
    run = lydite(*given, cwd=tmp_path)
    assert run.returncode == 2
    assert words in run.stderr
    assert "Traceback" not in run.stderr


def test_a_separator_and_columns_that_are_not_used(tmp_path: Path) -> None:
    file = tmp_path / "paths.csv"
    file.write_text("path,conversions,nulls,region\na / b,30,70,de\nb,5,95,fr\n")
    arguments = ("credit", "--paths", file, "--models", "last_touch", "--no-intervals")
    refused = lydite(*arguments)
    assert refused.returncode == 2
    assert "--separator" in refused.stderr
    table = lydite(*arguments, "--separator", " / ")
    assert "the column 'region' is not used" in table.stdout
    data = json.loads(lydite(*arguments, "--separator", "/", "--format", "json").stdout)
    assert {row["channel"]: row["conversions"] for row in data["credit"]} == {"a": 0, "b": 35}
    assert [warning["kind"] for warning in data["warnings"]] == ["unused_column"]


def test_a_table_in_which_every_journey_converts(tmp_path: Path) -> None:
    file = tmp_path / "paths.csv"
    file.write_text("path,conversions\na > b,80\nb,50\n")
    run = lydite("compare", "--paths", file, "--models", "linear,last_touch", "--quiet")
    assert run.returncode == 0, run.stderr
    assert "No verdict on conversion" in run.stdout
    assert "Credited conversions by model" in run.stdout


def test_the_posterior_of_rules(files: tuple[Path, Path], paths: Path) -> None:
    touches, orders = files
    options = ("--models", "linear,markov_1", "--credit", "posterior", "--no-intervals", "--quiet")
    for source in (("--touchpoints", touches, "--conversions", orders), ("--paths", paths)):
        table = lydite("credit", *source, *options)
        data = lydite("credit", *source, *options, "--format", "json")
        assert (table.returncode, data.returncode) == (0, 0), table.stderr + data.stderr
        assert "Credit according to the posterior of linear" in table.stdout
        assert "Credit according to 1-step Markov chain" in table.stdout
        kinds = {(row["model"], row["credit"]) for row in json.loads(data.stdout)["credit"]}
        assert kinds == {("linear", "posterior"), ("markov_1", "model")}


def test_ids_are_joined_and_users_erased(tmp_path: Path) -> None:
    files = {
        "touchpoints": "user_id,touched_at,channel\n"
        "cookie,2026-01-01T10:00Z,ad\nu1,2026-01-02T10:00Z,mail\nu2,2026-01-02T10:00Z,tv\n",
        "conversions": "user_id,converted_at\nu1,2026-01-03T10:00Z\nu2,2026-01-03T10:00Z\n",
        "identities": "anonymous_id,user_id,seen_at\ncookie,u1,2026-01-02T12:00Z\n",
        "erasures": "user_id\nu2\n",
    }
    for name, text in files.items():
        (tmp_path / f"{name}.csv").write_text(text)
    options = [part for name in files for part in (f"--{name}", tmp_path / f"{name}.csv")]
    run = lydite(
        "credit", *options, "--models", "linear", "--no-intervals", "--format", "json", "--join",
        "always",
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    credit = {row["channel"]: row["conversions"] for row in result["credit"]}
    assert credit == {"ad": 0.5, "mail": 0.5, "(unattributed)": 0.0}
    assert "ids are joined by all pairs" in json.dumps(result["warnings"])
    assert "u2" not in run.stdout
