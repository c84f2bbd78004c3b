"""Which settings file the code location runs on."""

from pipelines.project import ROOT, settings_file


def test_the_default_is_the_settings_file_of_the_checkout(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LYDITE_CONFIG", raising=False)
    assert settings_file() == str(ROOT / "lydite.toml")
    assert (ROOT / "lydite.toml").exists()


def test_the_environment_variable_counts_from_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LYDITE_CONFIG", "shop.toml")
    assert settings_file() == str(tmp_path / "shop.toml")
