"""Creates a new project: settings, sources with a sample, and the Dagster component."""

from lydite.scaffold.project import create_project
from lydite.scaffold.samples import SHAPES

__all__ = ["SHAPES", "create_project"]
