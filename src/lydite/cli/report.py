"""``lydite report``: write the report of the last run again, from the published file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

_SETTINGS = Path("lydite.toml")
EXAMPLES = """
**Example**

`lydite report --database var/attribution.duckdb --out report.html`
"""


def report(
    database: Annotated[
        Path | None,
        typer.Option(help=f"The published file; by default that of {_SETTINGS} in this folder."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help=f"Where to write the report; by default as in {_SETTINGS}."),
    ] = None,
) -> None:
    """Write the report from a published DuckDB file, without running anything again."""
    from lydite.reporting.kept_reports import write_run_report  # noqa: PLC0415  (not for --help)
    from lydite.reporting.report import write_report  # noqa: PLC0415
    from lydite.results import read_published  # noqa: PLC0415
    from lydite.settings import ReportSettings, StorageSettings, load_settings  # noqa: PLC0415

    storage, shown = StorageSettings(), ReportSettings()
    if database is None or _SETTINGS.exists():
        settings = load_settings(_SETTINGS)
        storage, shown = settings.storage, settings.shown()
    # The log of decisions belongs to the published file of the settings, not to any other.
    decisions = storage.decisions if database is None else None
    comparison = read_published(
        database or storage.published, report_settings=shown, decisions=decisions
    )
    if out is not None:
        write_report(comparison, out)
        print(f"the report is {out}")
        return
    kept = write_run_report(comparison, storage.report, storage.reports, shown.keep)
    print(f"the report is {storage.report}; that of the run is kept as {kept}")
