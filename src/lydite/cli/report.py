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
    from lydite.reporting.report import write_report  # noqa: PLC0415  (not needed for --help)
    from lydite.results import read_published  # noqa: PLC0415
    from lydite.settings import StorageSettings, load_settings  # noqa: PLC0415

    # The log of decisions belongs to the published file of the settings, not to any other.
    known = database is not None and not _SETTINGS.exists()
    storage = StorageSettings() if known else load_settings(_SETTINGS).storage
    target = storage.report if out is None else out
    decisions = storage.decisions if database is None else None
    write_report(read_published(database or storage.published, decisions=decisions), target)
    print(f"the report is {target}")
