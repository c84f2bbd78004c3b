"""`lydite simulate`: the files that it writes."""

from pathlib import Path

from tests.helpers.command_line import lydite


def test_simulate_writes_a_world(tmp_path: Path) -> None:
    result = lydite("simulate", "--world", "null", "--users", 50, "--out", tmp_path / "w")
    assert result.returncode == 0, result.stderr
    names = {path.name for path in (tmp_path / "w").iterdir()}
    assert names == {
        "touchpoints.parquet", "conversions.parquet", "spend.parquet", "users.parquet",
        "truth.json",
    }  # fmt: skip
