"""``lydite next``: which experiment is worth most."""

from __future__ import annotations

import json
from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated

import typer

from lydite.cli.options import SETTINGS_FILE, Format
from lydite.errors import InputError

EXAMPLES = """
**Example**

`lydite next --outcome purchase`

`lydite next --outcome purchase --declare paid_search >> lydite.toml`
"""


def next_experiments(
    outcome: Annotated[str | None, typer.Option(help="Only this outcome.")] = None,
    declare: Annotated[
        str | None,
        typer.Option(
            metavar="CHANNEL",
            help="Print the declaration of the experiment of this channel, for the settings.",
        ),
    ] = None,
    settings_file: Annotated[
        Path, typer.Option("--settings", help="The settings of the project.")
    ] = SETTINGS_FILE,
    output: Format = "table",
) -> None:
    """Show which channel to test next, how, and what each result would change."""
    from lydite.reporting.queries import outcome_counts, rows_of  # noqa: PLC0415
    from lydite.results import read_published  # noqa: PLC0415
    from lydite.settings import load_settings  # noqa: PLC0415

    storage, folder = load_settings(settings_file).storage, settings_file.parent
    comparison = read_published(folder / storage.published)
    outcomes = [row["outcome"] for row in comparison.outcomes]
    if outcome is not None:
        outcomes = [outcome_counts(comparison, outcome)["outcome"]]
    if declare is not None:
        from lydite.reporting.declaration import declare_experiment  # noqa: PLC0415

        proposed = [name for name in outcomes if rows_of(comparison, "next_experiments", name)]
        if len(proposed or outcomes) > 1:
            raise InputError(
                "--declare: name the outcome with --outcome; there are:"
                f" {', '.join(proposed or outcomes)}"
            )
        print(declare_experiment(comparison, (proposed or outcomes)[0], declare))
        return
    if output == "json":
        rows = [row for name in outcomes for row in rows_of(comparison, "next_experiments", name)]
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    from rich.console import Console  # noqa: PLC0415

    from lydite.reporting.next_experiments import print_next_experiments  # noqa: PLC0415

    print_next_experiments(comparison, outcomes, Console())
