"""``lydite promote``: a person decides which model is in use."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  (typer reads the annotations)
from typing import Annotated

import typer

from lydite.cli.options import SETTINGS_FILE, user_name

EXAMPLES = """
**Example**

`lydite promote time_decay --outcome purchase --reason "best since March, and finance agrees"`
"""


def promote(
    model: Annotated[str, typer.Argument(help="The model to use from now on.")],
    outcome: Annotated[str, typer.Option(help="The outcome that it is used for.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept and shown in the report.")],
    by: Annotated[
        str | None, typer.Option(show_default="the user's name", help="Who decides.")
    ] = None,
    despite_refuted: Annotated[
        bool,
        typer.Option("--despite-refuted", help="Promote a refuted model; the report says so."),
    ] = False,
    settings_file: Annotated[
        Path, typer.Option("--settings", help="The settings of the project.")
    ] = SETTINGS_FILE,
) -> None:
    """Decide by which model the company budgets: make it the champion of an outcome.

    The decision is added to the log of decisions, with the verdicts of the last run. Decisions
    cannot be changed or removed; a new one replaces the last.
    """
    from lydite import decisions  # noqa: PLC0415  (not needed for --help)
    from lydite.results import read_published  # noqa: PLC0415
    from lydite.settings import load_settings  # noqa: PLC0415

    storage, folder = load_settings(settings_file).storage, settings_file.parent
    log = folder / storage.decisions
    decision = decisions.promote(
        log,
        read_published(folder / storage.published).marts,
        model,
        outcome,
        reason=reason,
        by=user_name() if by is None else by,
        despite_refuted=despite_refuted,
    )
    print(
        f"{outcome}: {decision.to_model} is in use from now on, before it was"
        f" {decision.from_model} (decision {decision.number} in {log})"
    )
    if decision.despite:
        print(f"It is refuted by {decision.despite}: the report will say so.")
    print("`lydite report` writes the report again; the next run updates the tables.")
