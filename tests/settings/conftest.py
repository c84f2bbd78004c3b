"""A settings file with the text of a test."""

from __future__ import annotations

import pytest

from lydite.settings import Settings, load_settings


@pytest.fixture
def load(tmp_path):
    def load(text: str) -> Settings:
        path = tmp_path / "lydite.toml"
        path.write_text(text, encoding="utf-8")
        return load_settings(path)

    return load
