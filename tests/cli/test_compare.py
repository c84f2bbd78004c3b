"""`lydite compare`: what it prints and writes, and every kind of bad input."""

import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest

from lydite.simulation import simulate
from tests.helpers.command_line import lydite


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
        *("--report", world / "report.html", "--database", world / "out.duckdb"),
    )


def test_json_has_the_documented_keys(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == 0, run.stderr
    result = json.loads(run.stdout)
    assert set(result) == {"outcomes", "quarantined"}
    outcome = result["outcomes"]["conversion"]
    assert set(outcome) == {
        "lookback", "landmarks", "conversions", "attributed", "unattributed", "periods",
        "models", "warnings", "credit", "champion",
    }  # fmt: skip
    assert set(outcome["models"][0]) == {
        "model", "claim", "rank", "log_loss_bits", "explained", "explained_low",
        "explained_high", "share_of_ceiling", "auc", "brier", "calibration_slope", "primary",
        "verdict", "stands", "refuted_by", "same_forecast_as", "landmarks", "conversions",
    }  # fmt: skip
    assert set(outcome["credit"][0]) == {
        "model", "credit", "channel", "is_champion", "cost", "conversions", "conversions_low",
        "conversions_high", "value", "standing_low", "standing_high", "value_low", "value_high",
        "share", "share_low", "share_high", "cpa", "cpa_low",
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


def test_report_and_database_are_written(
    run: subprocess.CompletedProcess[str], world: Path
) -> None:
    assert run.returncode == 0
    assert "linear" in (world / "report.html").read_text(encoding="utf-8")
    with duckdb.connect(str(world / "out.duckdb"), read_only=True) as reader:
        rows = reader.execute("select model from mart.model_comparison").fetchall()
        lacking = reader.execute(
            "select count(*) from duckdb_columns() where schema_name = 'mart' and comment is null"
        ).fetchall()
    assert ("linear",) in rows
    assert (world / "out.touch_credit.parquet").exists()
    assert lacking == [(0,)]


def test_the_table_is_on_standard_output_and_progress_is_not(world: Path) -> None:
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


def _warnings(output: str) -> dict[str, str]:
    """Return the text of each kind of warning on the only outcome."""
    [outcome] = json.loads(output)["outcomes"].values()
    return {warning["kind"]: warning["text"] for warning in outcome["warnings"]}


def test_a_thank_you_page_that_is_sent_as_a_touch_is_named(world: Path, tmp_path: Path) -> None:
    touches = pl.read_parquet(world / "touchpoints.parquet")
    conversions = pl.read_parquet(world / "conversions.parquet")
    pages = conversions.select(
        "user_id",
        (pl.col("converted_at") - timedelta(seconds=2)).alias("touched_at"),
        pl.lit("thank_you").alias("channel"),
    )
    columns = pages.columns
    pl.concat([touches.select(columns), pages]).write_parquet(tmp_path / "touches.parquet")
    arguments = (
        *("--touchpoints", tmp_path / "touches.parquet"),
        *("--conversions", world / "conversions.parquet"),
        *("--models", "linear,last_touch,shapley", "--quiet"),
        # A recorded conversion is on no later path then, and gives every outcome away.
        *("--after-conversion", "restart"),
    )
    result = lydite("compare", *arguments, "--format", "json", "--report", tmp_path / "r.html")
    assert result.returncode == 0, result.stderr
    text = _warnings(result.stdout)["outcome_channel"]
    assert "touches of 'thank_you' are followed by a conversion, and 0.0% of the others" in text
    assert "Exclude it from the data" in text
    assert "Thank you" in (tmp_path / "r.html").read_text(encoding="utf-8")
    [outcome] = json.loads(result.stdout)["outcomes"].values()
    slopes = {model["model"]: model["calibration_slope"] for model in outcome["models"]}
    assert slopes["last_touch"] is slopes["shapley"] is None
    bounds = [model["explained_high"] for model in outcome["models"] if model["verdict"]]
    assert all(bound <= 1 for bound in bounds)
    credit = lydite("credit", *arguments, "--no-intervals", "--format", "json")
    kinds = [warning["kind"] for warning in json.loads(credit.stdout)["warnings"]]
    assert "outcome_channel" in kinds


PATH_TABLES = {
    "separable": "path,conversions,nulls\na,500,0\nb,0,700\n",
    "thank_you": (
        "path,conversions,nulls\na > thanks,300,0\nb > a > thanks,200,0\na,0,500\nb,0,700\n"
    ),
    "one_path": "path,conversions,nulls\na,500,700\n",
    "same_rates": "path,conversions,nulls\na,500,700\nb,500,700\n",
    "one_null": "path,conversions,nulls\na,500,0\nb,500,1\n",
}


@pytest.mark.parametrize("table", PATH_TABLES)
def test_scores_that_cannot_be_computed_are_empty_and_end_no_run(
    table: str, tmp_path: Path
) -> None:
    (tmp_path / "paths.csv").write_text(PATH_TABLES[table])
    arguments = ("--paths", tmp_path / "paths.csv", "--report", tmp_path / "report.html")
    result = lydite("compare", *arguments, "--format", "json", "--quiet")
    assert result.returncode == 0, result.stderr
    [outcome] = json.loads(result.stdout)["outcomes"].values()
    rivals = [model for model in outcome["models"] if model["verdict"]]
    assert rivals
    best = [model["model"] for model in rivals if model["verdict"] == "best"]
    assert all(model["verdict"] in {"best", "refuted"} for model in rivals) or not best
    separated = table in {"separable", "thank_you"}
    assert ("outcome_channel" in _warnings(result.stdout)) == separated
    if separated:
        assert rivals[0]["calibration_slope"] is None
        named = "'a'" if table == "separable" else "'thanks'"
        assert f"500 of 500 touches of {named}" in _warnings(result.stdout)["outcome_channel"]
    else:
        assert not best


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
    """Run a comparison that must fail, and return the message."""
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


def test_lookbacks_are_compared_side_by_side(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    options = ("--touchpoints", touches, "--conversions", conversions, "--models", "linear")
    run = lydite(
        "compare", *options, "--lookback", "14d", "--lookback", "2d", "--format", "json",
        cwd=tmp_path,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert "lookback 2d: building journeys" in run.stderr
    rows = json.loads(run.stdout)["outcomes"]["conversion"]["lookbacks"]
    assert [(row["lookback"], row["is_main"]) for row in rows] == [("14d", True), ("2d", False)]


def test_bad_input_unknown_outcome(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    message = refused(
        tmp_path, "--touchpoints", touches, "--conversions", conversions, "--outcome", "lead"
    )
    assert "lead" in message
    assert "conversion" in message


def test_a_short_history_has_credit_and_a_note_that_names_the_lookback(tmp_path: Path) -> None:
    touches, conversions = small_tables(tmp_path)
    arguments = ("--touchpoints", touches, "--conversions", conversions, "--models", "linear")
    result = lydite("compare", *arguments, "--format", "json", "--report", tmp_path / "report.html")
    assert result.returncode == 0, result.stderr
    [outcome] = json.loads(result.stdout)["outcomes"].values()
    assert "30d" in outcome["note"]
    assert "lookback" in outcome["note"]
    assert [model["verdict"] for model in outcome["models"]] == ["too_early"]
    credited = sum(row["conversions"] for row in outcome["credit"])
    assert credited == pytest.approx(outcome["conversions"])
    assert "Too little history" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Credit according to linear" in lydite("compare", *arguments).stdout


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
