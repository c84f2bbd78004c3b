"""The definitions that Dagster loads: everything that the settings file asks for."""

import dagster as dg

from pipelines.assets import all_assets
from pipelines.checks import all_checks
from pipelines.jobs import refresh
from pipelines.progress import progress_logger
from pipelines.project import Project, load_project
from pipelines.resources import Warehouse
from pipelines.schedules import weekly


def make_definitions(project: Project) -> dg.Definitions:
    """Return the definitions of a project."""
    return dg.Definitions(
        assets=all_assets(project.settings),
        asset_checks=all_checks(project.settings),
        jobs=[refresh],
        schedules=[weekly],
        resources={"warehouse": Warehouse.of(project)},
        loggers={"progress": progress_logger},
        # One process per run: DuckDB has one writer, and a step is too short to start one for.
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions of the project that LYDITE_CONFIG names, here by default."""
    return make_definitions(load_project())
