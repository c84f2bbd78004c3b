"""``lydite init``: a new project with a sample that runs at once."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated, Literal

import typer

EXAMPLES = """
**Examples**

`lydite init shop`

`lydite init shop --from ga4 && cd shop && lydite check && lydite compare`
"""


def init(
    folder: Annotated[Path, typer.Argument(help="A new or empty folder.")],
    shape: Annotated[
        Literal["ga4", "snowplow", "segment", "sessions", "hubspot", "paths"] | None,
        typer.Option("--from", help="The export that you have; plain CSV tables by default."),
    ] = None,
) -> None:
    """Create a project: settings, a select per input table, a sample, and the Dagster component."""
    from lydite.scaffold import SHAPES, create_project  # noqa: PLC0415  (not needed for --help)

    name = shape or "plain"
    create_project(folder, name)
    print(f"{folder}: a project with a sample in the shape of {SHAPES[name].about}")
    print(f"Next: cd {folder} && lydite check && lydite compare")
    print("README.md says what to change for your data.")
