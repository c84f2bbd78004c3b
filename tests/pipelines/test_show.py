"""What is printed of the last run, and before there was one."""

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


def test_a_missing_settings_file_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("LYDITE_CONFIG", str(tmp_path / "none.toml"))
    assert show.main() == 2
    assert "there is no settings file" in capsys.readouterr().err
