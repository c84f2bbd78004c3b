"""``lydite doctor``: checks of a deployment."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated, Literal

import typer

from lydite.cli.options import SETTINGS_FILE

EXAMPLES = """
**Example**

`lydite doctor --settings /srv/attribution/lydite.toml`
"""
_MARKS = {"ok": "✓", "warning": "!", "error": "✗"}


def doctor(
    settings_file: Annotated[
        Path, typer.Option("--settings", help="The settings of the project.")
    ] = SETTINGS_FILE,
    output: Annotated[
        Literal["table", "json"],
        typer.Option("--format", help="A table for people, or JSON for programs."),
    ] = "table",
) -> None:
    """Check a deployment: settings, files, disk, versions, the last run. Exit with 2 on errors."""
    from lydite.doctor import examine  # noqa: PLC0415  (not needed for --help)

    found = examine(settings_file)
    if output == "json":
        rows = [dataclasses.asdict(condition) for condition in found]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
    else:
        for condition in found:
            print(f"{_MARKS[condition.status]} {condition.name}: {condition.text}")
            if condition.fix:
                print(f"  → {condition.fix}")
    if any(condition.status == "error" for condition in found):
        raise typer.Exit(2)
