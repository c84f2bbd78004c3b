"""A project: its settings, and the folder from which relative paths count."""

from dataclasses import dataclass
from pathlib import Path

from lydite.settings import Settings, load_settings


@dataclass(frozen=True)
class Project:
    """Settings and the folder from which their relative paths count."""

    settings: Settings
    folder: Path

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that the pipeline works in."""
        return self.folder / self.settings.storage.warehouse

    @property
    def published(self) -> Path:
        """The DuckDB file that analysts read."""
        return self.folder / self.settings.storage.published

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / self.settings.storage.report


def load_project(path: str | Path) -> Project:
    """Read a settings file; its relative paths count from its folder.

    Raises
    ------
    InputError
        When there is no such file or a setting is wrong.
    """
    return Project(load_settings(path), Path(path).resolve().parent)
