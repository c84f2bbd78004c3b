"""``lydite simulate``: touchpoints and conversions with known truth."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated

import typer

from lydite.cli.options import Quiet  # noqa: TC001  (as above)
from lydite.cli.progress import Progress

EXAMPLES = """
**Examples**

`lydite simulate --world linear --users 20000 --seed 1 --out linear_world`

`lydite simulate --world null --variant season --out null_with_a_season`

`lydite simulate --world storefront --users 20000 --seed 7 --experiments --out data_samples`
"""


def simulate(
    world: Annotated[str, typer.Option(help="Name of the world; an unknown name lists them.")],
    out: Annotated[Path, typer.Option(help="Folder to write to.")],
    users: Annotated[int, typer.Option(help="Number of users.")] = 20_000,
    seed: Annotated[int, typer.Option(help="The same seed writes the same bytes.")] = 0,
    weeks: Annotated[int, typer.Option(help="Length of the history in weeks.")] = 26,
    variant: Annotated[
        str | None,
        typer.Option(help="Name of a variant, such as season; an unknown name lists them."),
    ] = None,
    experiments: Annotated[
        bool, typer.Option("--experiments", help="Add three experiments to the storefront.")
    ] = False,
    quiet: Quiet = False,
) -> None:
    """Simulate touchpoints and conversions in a world whose truth is known."""
    from lydite import simulation  # noqa: PLC0415  (not needed for --help)

    with Progress(quiet=quiet) as progress:
        progress.say(f"simulating {world}")
        made = simulation.simulate(
            world, users=users, seed=seed, weeks=weeks, variant=variant, experiments=experiments
        )
        progress.say(f"writing to {out}")
        made.write(out)
    if not quiet:
        print(
            f"{out}: {made.touchpoints.height} touchpoints, {made.conversions.height} conversions"
        )
