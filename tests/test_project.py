"""A project: paths count from the folder of the settings file."""

from __future__ import annotations

import pytest

from lydite.errors import InputError
from lydite.project import load_project

SETTINGS = """
[sources]
touchpoints = "t.parquet"
conversions = "c.parquet"
[storage]
warehouse = "work/warehouse.duckdb"
report = "/srv/report.html"
"""


def test_relative_paths_count_from_the_folder_of_the_settings_file(tmp_path, monkeypatch):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/lydite.toml").write_text(SETTINGS)
    monkeypatch.chdir(tmp_path)
    project = load_project("shop/lydite.toml")
    assert project.folder == tmp_path / "shop"
    assert project.warehouse == tmp_path / "shop/work/warehouse.duckdb"
    assert project.published == tmp_path / "shop/var/attribution.duckdb"
    assert str(project.report) == "/srv/report.html"


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match="there is no settings file"):
        load_project(tmp_path / "none.toml")
