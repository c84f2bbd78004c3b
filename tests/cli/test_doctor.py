"""``lydite doctor``."""

from __future__ import annotations

import json

from tests.helpers.command_line import lydite

SETTINGS = '[sources]\ntouchpoints = "t.csv"\nconversions = "c.csv"\n'


def test_errors_are_printed_with_what_to_do(tmp_path):
    (tmp_path / "lydite.toml").write_text(SETTINGS)
    run = lydite("doctor", cwd=tmp_path)
    assert run.returncode == 2
    assert "✗ sources: touchpoints: there is no file t.csv" in run.stdout
    assert "  → correct sources.touchpoints, or add the file" in run.stdout
    for name in ("t.csv", "c.csv"):
        (tmp_path / name).touch()
    run = lydite("doctor", "--format", "json", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    statuses = {row["name"]: row["status"] for row in json.loads(run.stdout)}
    assert statuses["published"] == "warning"
    assert statuses["sources"] == "ok"
