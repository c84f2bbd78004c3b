"""``lydite experiments``: read the declared experiments of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from lydite.cli.options import SETTINGS_FILE, Format, Quiet, SettingsFile
from lydite.cli.progress import Progress
from lydite.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from lydite.settings import Settings

EXAMPLES = """
**Examples**

`lydite experiments`

`lydite experiments --settings shop/lydite.toml --experiment brand_holdout --format json`
"""


def experiments(
    settings_file: SettingsFile = None,
    experiment: Annotated[
        list[str] | None, typer.Option(help="Experiment to read; repeat for more. All by default.")
    ] = None,
    output: Format = "table",
    quiet: Quiet = False,
) -> None:
    """Check the experiments that the settings declare, and compare their arms."""
    import contextlib  # noqa: PLC0415  (not needed for --help)

    from lydite import pipeline  # noqa: PLC0415
    from lydite.engine import open_temporary_engine  # noqa: PLC0415
    from lydite.experiments.result import readings  # noqa: PLC0415
    from lydite.settings import load_settings  # noqa: PLC0415

    file = settings_file or SETTINGS_FILE
    settings = _only(load_settings(file), experiment)
    sources = settings.sources.present()
    with Progress(quiet=quiet) as progress, contextlib.chdir(file.resolve().parent):
        progress.say("reading experiments")
        with open_temporary_engine(settings.engine, sources.values()) as engine:
            pipeline.load_and_read_experiments(engine, sources, settings)
            found = readings(engine.local, names=experiment)
    if output == "json":
        records = [reading.to_dict() for reading in found]
        print(json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False))
        return
    from rich.console import Console  # noqa: PLC0415

    from lydite.reporting.experiments_terminal import print_experiments  # noqa: PLC0415

    console = Console()
    print_experiments(found, console)
    _print_models(settings, file.parent, console)


def _print_models(settings: Settings, folder: Path, console: Console) -> None:
    """Print what the last run found about models and these experiments, if there was one."""
    from lydite.reporting.against_experiments import (  # noqa: PLC0415
        print_against_experiments,
    )
    from lydite.results import read_published  # noqa: PLC0415

    published = folder / settings.storage.published
    if not published.exists():
        return
    comparison = read_published(published, decisions=folder / settings.storage.decisions)
    for row in comparison.outcomes:
        print_against_experiments(comparison, row["outcome"], console, settings.experiments)


def _only(settings: Settings, names: list[str] | None) -> Settings:
    """Return the settings with the chosen experiments only."""
    declared = settings.experiments
    for name in names or ():
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise InputError(f"no experiment {name!r} is declared; there are: {known}")
    chosen = declared if names is None else {name: declared[name] for name in names}
    return settings.model_copy(update={"experiments": chosen})
