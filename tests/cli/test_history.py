"""``lydite history``: its errors; test_promote.py has what it shows."""

from __future__ import annotations

from tests.helpers.command_line import lydite


def test_a_folder_without_settings_or_results_is_named(tmp_path):
    run = lydite("history", cwd=tmp_path)
    assert run.returncode == 2
    assert "there is no settings file lydite.toml" in run.stderr
    (tmp_path / "lydite.toml").write_text('[sources]\ntouchpoints = "t"\nconversions = "c"')
    run = lydite("history", cwd=tmp_path)
    assert run.returncode == 2
    assert "there is no published file" in run.stderr
