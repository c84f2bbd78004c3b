"""The project that is run: the settings, and the folder that their paths count from."""

import os
from dataclasses import dataclass
from pathlib import Path

from lydite.settings import Settings, load_settings


@dataclass(frozen=True)
class Project:
    """The settings of a project and its folder, which holds the settings file."""

    settings: Settings
    folder: Path

    @property
    def warehouse(self) -> Path:
        """The pipeline's own DuckDB file."""
        return self.folder / self.settings.storage.warehouse

    @property
    def published(self) -> Path:
        """The DuckDB file that is read by others."""
        return self.folder / self.settings.storage.published

    @property
    def report(self) -> Path:
        """The page that leaders read."""
        return self.folder / self.settings.storage.report


def load_project() -> Project:
    """Read the settings file that LYDITE_CONFIG names, ``lydite.toml`` by default.

    Raises
    ------
    InputError
        When there is no such file or a setting is wrong.
    """
    path = Path(os.environ.get("LYDITE_CONFIG", "lydite.toml"))
    return Project(load_settings(path), path.resolve().parent)
