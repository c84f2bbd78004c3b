"""`lydite check`: exit codes, JSON, and what the terminal shows."""

import json
from pathlib import Path

import pytest

from lydite.simulation import simulate
from tests.helpers.command_line import lydite


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    simulate("linear", users=1_000, seed=3).write(folder)
    return folder


def sources(folder: Path) -> tuple[object, ...]:
    return (
        "--touchpoints", folder / "touchpoints.parquet",
        "--conversions", folder / "conversions.parquet",
    )  # fmt: skip


def test_good_data_exits_with_0(world: Path) -> None:
    done = lydite("check", *sources(world), "--spend", world / "spend.parquet", "--quiet")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("Ready to run;")
    for word in ("touchpoints", "touched_at", "search", "without a touch", "direct traffic"):
        assert word in done.stdout


def test_json_has_the_same_as_python(world: Path) -> None:
    done = lydite("check", *sources(world), "--lookback", "5d", "--json", "--quiet")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["ok"]
    assert record["outcomes"][0]["lookback"] == "5d"
    assert [table["name"] for table in record["tables"]] == ["touchpoints", "conversions"]


def test_bad_data_exits_with_2_and_is_on_standard_output(world: Path, tmp_path: Path) -> None:
    orders = tmp_path / "orders.csv"
    orders.write_text("user_id,converted_at\nu00000001,03/31/2025\n")
    done = lydite(
        "check", "--touchpoints", world / "touchpoints.parquet", "--conversions", orders, "--quiet"
    )
    assert done.returncode == 2
    assert "Not ready: 1 error" in done.stdout
    assert "→ converted_at is missing or not a time" in done.stdout
    assert "Traceback" not in done.stderr
    done = lydite(
        "check", "--touchpoints", world / "touchpoints.parquet", "--conversions", orders, "--json"
    )
    assert done.returncode == 2
    assert not json.loads(done.stdout)["ok"]


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    (tmp_path / "lydite.toml").write_text('[sources]\ntouchpoints = "t"\n[evaluation]\nalpha = 7\n')
    done = lydite("check", cwd=tmp_path)
    assert done.returncode == 2
    assert "sources.conversions: this setting is required" in done.stderr
    assert "evaluation.alpha = 7" in done.stderr
