"""The definitions that Dagster loads: the components in `defs`, and how they run."""

import dagster as dg

from lydite.dagster.headless import killed_runs_sensor
from lydite.dagster.progress import progress_logger
from pipelines.project import ROOT, settings_file


@dg.definitions
def defs() -> dg.Definitions:
    """Return all definitions of this code location."""
    return dg.Definitions.merge(
        dg.load_from_defs_folder(path_within_project=ROOT),
        dg.Definitions(
            loggers={"progress": progress_logger},
            sensors=[killed_runs_sensor(settings_file())],
            # One process per run: DuckDB allows one process that writes.
            executor=dg.in_process_executor,
        ),
    )
