"""``lydite export``: write the tables of the published file to Parquet, CSV or a workbook."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated, Literal

import typer

from lydite.cli.options import SETTINGS_FILE

EXAMPLES = """
**Examples**

`lydite export --out tables`

`lydite export --database var/attribution.duckdb --format xlsx --out workbook`
"""


def export(
    out: Annotated[
        Path, typer.Option(help="The folder to write; an earlier export in it is replaced.")
    ],
    file_format: Annotated[
        Literal["parquet", "csv", "xlsx"],
        typer.Option("--format", help="A file per table, or one workbook with a sheet per table."),
    ] = "parquet",
    database: Annotated[
        Path | None,
        typer.Option(help=f"The published file; by default that of {SETTINGS_FILE} here."),
    ] = None,
) -> None:
    """Write all tables and views of a published DuckDB file, for other tools."""
    from lydite.exporting import MOST_ROWS, export_tables  # noqa: PLC0415  (not needed for --help)
    from lydite.settings import load_settings  # noqa: PLC0415

    if database is None:
        database = load_settings(SETTINGS_FILE).storage.published
    left_out = export_tables(database, out, file_format)
    print(f"the tables of {database} are in {out}")
    if left_out:
        typer.echo(
            f"warning: tables of more than {MOST_ROWS:,} rows are not in a workbook:"
            f" {', '.join(left_out)}. --format parquet has them",
            err=True,
        )
