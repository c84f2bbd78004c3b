"""The command line: what it prints, its exit codes, and every kind of bad input."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from lydite.simulation import simulate


def lydite(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from lydite.cli import main; main()", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=os.environ | {"COLUMNS": "120", "NO_COLOR": "1"},
        check=False,
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate("linear", users=4_000, seed=3).write(folder)
    return folder


@pytest.fixture(scope="module")
def run(world: Path) -> subprocess.CompletedProcess[str]:
    return lydite(
        "compare",
        *("--touchpoints", world / "touchpoints.parquet"),
        *("--conversions", world / "conversions.parquet"),
        *("--models", "linear,last_touch,markov_1", "--format", "json"),
        *("--report", world / "page.html", "--database", world / "out.duckdb"),
    )


def test_json_is_what_programs_were_promised(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert set(result) == {"outcomes", "quarantined"}
    outcome = result["outcomes"]["conversion"]
    assert set(outcome) == {
        "lookback", "landmarks", "conversions", "attributed", "unattributed", "periods",
        "models", "warnings", "credit",
    }  # fmt: skip
    assert set(outcome["models"][0]) == {
        "model", "claim", "rank", "log_loss_bits", "explained", "explained_low",
        "explained_high", "share_of_ceiling", "auc", "brier", "calibration_slope", "verdict",
        "refuted_by", "same_forecast_as", "landmarks", "conversions",
    }  # fmt: skip
    assert set(outcome["credit"][0]) == {
        "model", "channel", "cost", "conversions", "conversions_low", "conversions_high", "value",
        "value_low", "value_high", "share", "share_low", "share_high", "cpa", "cpa_low",
        "cpa_high", "roas", "roas_low", "roas_high",
    }  # fmt: skip
    assert outcome["attributed"] + outcome["unattributed"] == outcome["conversions"]


def test_credit_sums_to_the_conversions(run: subprocess.CompletedProcess[str]) -> None:
    outcome = json.loads(run.stdout)["outcomes"]["conversion"]
    for model in ("linear", "last_touch", "markov_1"):
        total = sum(row["conversions"] for row in outcome["credit"] if row["model"] == model)
        assert total == pytest.approx(outcome["conversions"], abs=1e-6)


def test_the_first_order_chain_forecasts_as_last_touch(
    run: subprocess.CompletedProcess[str],
) -> None:
    models = json.loads(run.stdout)["outcomes"]["conversion"]["models"]
    alike = {model["model"]: model["same_forecast_as"] for model in models}
    assert alike["last_touch"] == ["markov_1"]
    assert alike["markov_1"] == ["last_touch"]


def test_page_and_database_are_written(run: subprocess.CompletedProcess[str], world: Path) -> None:
    assert run.returncode == 0
    assert "linear" in (world / "page.html").read_text(encoding="utf-8")
    with duckdb.connect(str(world / "out.duckdb"), read_only=True) as reader:
        rows = reader.execute("select model from mart.model_comparison").fetchall()
        lacking = reader.execute(
            "select count(*) from duckdb_columns() where schema_name = 'mart' and comment is null"
        ).fetchall()
    assert ("linear",) in rows
    assert lacking == [(0,)]


def test_the_table_is_for_people_and_progress_is_apart(world: Path) -> None:
    result = lydite(
        "compare",
        *("--touchpoints", world / "touchpoints.parquet"),
        *("--conversions", world / "conversions.parquet"),
        *("--models", "linear,first_touch", "--quiet"),
    )
    assert result.returncode == 0, result.stderr
    assert "linear" in result.stdout
    assert result.stderr == ""


def test_csv_and_json_and_globs_give_the_same_as_parquet(
    world: Path, run: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    touches = pl.read_parquet(world / "touchpoints.parquet")
    half = touches.height // 2
    touches[:half].write_csv(tmp_path / "touches_1.csv")
    touches[half:].write_csv(tmp_path / "touches_2.csv")
    pl.read_parquet(world / "conversions.parquet").with_columns(
        pl.col("converted_at").dt.to_string("iso:strict")
    ).write_ndjson(tmp_path / "conversions.ndjson")
    other = lydite(
        "compare",
        *("--touchpoints", tmp_path / "touches_*.csv"),
        *("--conversions", tmp_path / "conversions.ndjson"),
        *("--models", "linear,last_touch,markov_1", "--format", "json"),
    )
    assert other.returncode == 0, other.stderr
    assert json.loads(other.stdout) == json.loads(run.stdout)


def test_simulate_writes_a_world(tmp_path: Path) -> None:
    result = lydite("simulate", "--world", "null", "--users", 50, "--out", tmp_path / "w")
    assert result.returncode == 0, result.stderr
    names = {path.name for path in (tmp_path / "w").iterdir()}
    assert names == {
        "touchpoints.parquet", "conversions.parquet", "spend.parquet", "users.parquet",
        "truth.json",
    }  # fmt: skip


@pytest.mark.parametrize("command", [(), ("compare",), ("credit",), ("simulate",)])
def test_help_answers(command: tuple[str, ...]) -> None:
    result = lydite(*command, "--help")
    assert result.returncode == 0
    assert "Usage" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["no-such-command"], "no-such-command"),
        (["compare", "--no-such-option"], "--no-such-option"),
        (["compare", "--period", "year"], "'week'"),
        (["compare", "--seed", "many"], "--seed"),
        (["compare", "--engine", "sparc"], "'spark'"),
        (["compare", "--engine", "spark", "--paths", "p.csv"], "leave out --engine"),
        (["credit"], "--paths"),
        (["simulate", "--out", "w"], "--world"),
        (["simulate", "--world", "lineal", "--out", "w"], "'lineal'"),
    ],
)
def test_bad_options_say_what_is_wrong(arguments: list[str], word: str, tmp_path: Path) -> None:
    result = lydite(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert word in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert not list(tmp_path.iterdir())


START = datetime(2025, 1, 6)


def small_tables(folder: Path, days: int = 20) -> tuple[Path, Path]:
    """Write a small, sound history."""
    at = [START + timedelta(hours=6 * i) for i in range(days * 4)]
    pl.DataFrame(
        {"user_id": [f"u{i % 7}" for i in range(len(at))], "touched_at": at, "channel": "email"}
    ).write_csv(folder / "touches.csv")
    pl.DataFrame({"user_id": [f"u{i % 7}" for i in range(len(at))], "converted_at": at}).write_csv(
        folder / "conversions.csv"
    )
    return folder / "touches.csv", folder / "conversions.csv"


def refused(folder: Path, *arguments: object) -> str:
    """Run a comparison that must be refused, and return the message."""
    before = sorted(folder.iterdir())
    result = lydite("compare", "--report", folder / "p.html", "--database", folder / "d.duckdb",
                    *arguments)  # fmt: skip
    assert result.returncode == 2, (result.stdout, result.stderr)
    assert "Traceback" not in result.stderr
    assert sorted(folder.iterdir()) == before, "something was written"
    return " ".join(result.stderr.split())


def test_bad_input_missing_file(tmp_path: Path) -> None:
    touches, _ = small_tables(tmp_path)
    message = refused(tmp_path, "--touchpoints", touches, "--conversions", tmp_path / "none.csv")
    assert "none.csv" in message


def test_bad_input_missing_column(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    pl.read_csv(touches).rename({"user_id": "userid"}).write_csv(touches)
    message = refused(tmp_path, "--touchpoints", touches, "--conversions", conversions)
    assert "user_id" in message
    assert "userid" in message


def test_bad_input_unknown_model(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    message = refused(
        tmp_path, "--touchpoints", touches, "--conversions", conversions, "--models", "linaer"
    )
    assert "linaer" in message
    assert "'linear'" in message


def test_bad_input_unreadable_lookback(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    message = refused(
        tmp_path, "--touchpoints", touches, "--conversions", conversions, "--lookback", "soon"
    )
    assert "soon" in message
    assert "30d" in message


def test_bad_input_unknown_outcome(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    message = refused(
        tmp_path, "--touchpoints", touches, "--conversions", conversions, "--outcome", "lead"
    )
    assert "lead" in message
    assert "conversion" in message


def test_bad_input_short_history_names_a_lookback(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    message = refused(tmp_path, "--touchpoints", touches, "--conversions", conversions)
    assert "30d" in message
    assert "lookback" in message


def test_bad_input_empty_table(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    pl.read_csv(conversions).clear().write_csv(conversions)
    message = refused(tmp_path, "--touchpoints", touches, "--conversions", conversions)
    assert "conversions" in message


def test_bad_input_mixed_zones(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    frame = pl.read_csv(touches)
    zone = pl.when(pl.int_range(pl.len()) % 2 == 0).then(pl.lit("Z")).otherwise(pl.lit(""))
    frame.with_columns(pl.col("touched_at") + zone).write_csv(touches)
    message = refused(tmp_path, "--touchpoints", touches, "--conversions", conversions)
    assert "touched_at" in message


def test_bad_input_not_utf8(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    touches.write_bytes(touches.read_bytes().replace(b"email", "é-mail".encode("latin-1"), 1))
    message = refused(tmp_path, "--touchpoints", touches, "--conversions", conversions)
    assert "touches.csv" in message
    assert "UTF-8" in message


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
    assert "95 % interval" in run.stdout


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
        (["compare", "--paths", "PATHS", "--touchpoints", "t.csv"], "stands alone"),
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
