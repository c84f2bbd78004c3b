"""A Dagster component that compares attribution models and publishes the results."""

from lydite.dagster.component import LyditeComponent, Upstream
from lydite.dagster.jobs import Schedule

__all__ = ["LyditeComponent", "Schedule", "Upstream"]
