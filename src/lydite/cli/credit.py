"""``lydite credit``: credit by channel from a path table."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from lydite.cli.options import (
    PATH_TABLE,
    Format,
    Models,
    Quiet,
    Rules,
    Separator,
    read_models,
)
from lydite.cli.output import show_credit
from lydite.cli.progress import Progress

EXAMPLES = """
**Examples**

`lydite credit --paths paths.csv`

`lydite credit --paths paths.csv --models markov_1,shapley --normalise global --format json`
"""


def credit(
    paths: Annotated[str, typer.Option(help=PATH_TABLE)],
    models: Models = None,
    rule: Rules = None,
    normalise: Annotated[
        Literal["path", "global"],
        typer.Option(
            help="Markov models: split each conversion within its path, or all of them at once."
        ),
    ] = "path",
    seed: Annotated[int, typer.Option(help="Seeds the intervals.")] = 0,
    intervals: Annotated[
        bool,
        typer.Option(
            "--intervals/--no-intervals", help="95% intervals; they take most of the time."
        ),
    ] = True,
    separator: Separator = None,
    output: Format = "table",
    quiet: Quiet = False,
) -> None:
    """Credit channels from a path table, with every model that does not need times."""
    from lydite import api  # noqa: PLC0415  (not needed for --help)

    with Progress(quiet=quiet) as progress:
        progress.say("attributing the conversions")
        found = api.credit(
            paths,
            models=read_models(models, rule),
            normalise=normalise,
            seed=seed,
            intervals=intervals,
            separator=separator,
        )
    show_credit(found, output)
