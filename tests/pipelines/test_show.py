"""What is printed of the last run, and before there was one."""

import duckdb
import pytest

from pipelines import show

SETTINGS = """
[sources]
touchpoints = "t.parquet"
conversions = "c.parquet"
"""


def test_before_the_first_run_nothing_has_been_published(tmp_path, monkeypatch, capsys):
    (tmp_path / "lydite.toml").write_text(SETTINGS)
    monkeypatch.setenv("LYDITE_CONFIG", str(tmp_path / "lydite.toml"))
    assert show.main() == 2
    printed = capsys.readouterr()
    assert printed.err == "error: nothing has been published yet: run make refresh\n"
    assert printed.out == ""
    assert not (tmp_path / "var").exists()


@pytest.mark.parametrize("files", [["attribution"], ["attribution", "warehouse"], ["warehouse"]])
def test_files_without_results_have_nothing_to_show(tmp_path, monkeypatch, capsys, files):
    (tmp_path / "lydite.toml").write_text(SETTINGS)
    monkeypatch.setenv("LYDITE_CONFIG", str(tmp_path / "lydite.toml"))
    (tmp_path / "var").mkdir()
    for name in files:
        duckdb.connect(str(tmp_path / "var" / f"{name}.duckdb")).close()
    assert show.main() == 2
    printed = capsys.readouterr()
    assert printed.err == "error: nothing has been published yet: run make refresh\n"
    assert printed.out == ""


def test_a_missing_settings_file_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LYDITE_CONFIG", str(tmp_path / "none.toml"))
    assert show.main() == 2
    assert "there is no settings file" in capsys.readouterr().err
