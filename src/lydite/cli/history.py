"""``lydite history``: what was claimed, tested, refuted and decided."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated, Literal

import typer

from lydite.cli.options import SETTINGS_FILE

EXAMPLES = """
**Example**

`lydite history --outcome purchase`
"""


def history(
    outcome: Annotated[str | None, typer.Option(help="Only this outcome.")] = None,
    settings_file: Annotated[
        Path, typer.Option("--settings", help="The settings of the project.")
    ] = SETTINGS_FILE,
    output: Annotated[
        Literal["table", "json"],
        typer.Option("--format", help="A table for people, or JSON for programs."),
    ] = "table",
) -> None:
    """Show hypotheses, verdicts and decisions in the order of time, and all refuted models."""
    from lydite.reporting.queries import outcome_counts  # noqa: PLC0415  (not needed for --help)
    from lydite.results import read_published  # noqa: PLC0415
    from lydite.settings import load_settings  # noqa: PLC0415

    storage, folder = load_settings(settings_file).storage, settings_file.parent
    comparison = read_published(folder / storage.published, decisions=folder / storage.decisions)
    outcomes = [row["outcome"] for row in comparison.outcomes]
    if outcome is not None:
        outcomes = [outcome_counts(comparison, outcome)["outcome"]]
    if output == "json":
        tables = ("champions", "timeline", "hypotheses", "decisions")
        found = {
            name: [
                row for row in comparison.marts[name].to_dicts() if row["outcome"] in outcomes
            ]
            for name in tables if name in comparison.marts
        }  # fmt: skip
        print(json.dumps(found, indent=2, ensure_ascii=False, default=str))
        return
    from rich.console import Console  # noqa: PLC0415

    from lydite.reporting.timeline import print_history  # noqa: PLC0415

    print_history(comparison, outcomes, Console())
