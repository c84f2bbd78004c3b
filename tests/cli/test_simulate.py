"""`lydite simulate`: the files that it writes."""

from pathlib import Path

import polars as pl

from tests.helpers.command_line import lydite


def test_simulate_writes_a_world(tmp_path: Path) -> None:
    result = lydite("simulate", "--world", "null", "--users", 50, "--out", tmp_path / "w")
    assert result.returncode == 0, result.stderr
    names = {path.name for path in (tmp_path / "w").iterdir()}
    assert names == {
        "touchpoints.parquet", "conversions.parquet", "spend.parquet", "users.parquet",
        "truth.json",
    }  # fmt: skip


def test_simulate_writes_a_variant(tmp_path: Path) -> None:
    result = lydite(
        "simulate", "--world", "null", "--variant", "accounts", "--users", 50,
        "--out", tmp_path / "w",
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert "account_id" in pl.read_parquet(tmp_path / "w" / "users.parquet").columns


def test_an_unknown_variant_is_an_error(tmp_path: Path) -> None:
    result = lydite("simulate", "--world", "null", "--variant", "seson", "--out", tmp_path / "w")
    assert result.returncode != 0
    assert "did you mean season" in result.stderr
    assert not (tmp_path / "w").exists()
