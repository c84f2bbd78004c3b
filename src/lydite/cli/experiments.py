"""``lydite experiments``: read the declared experiments of a project."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lydite.cli.options import SETTINGS_FILE, Format, Quiet, SettingsFile
from lydite.cli.progress import Progress
from lydite.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from lydite.results import Comparison
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
    """Check the experiments that the settings declare, and compare their arms.

    If the last run compared three or more with the models, it also shows how well each is predicted
    from the others.
    """
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
    last_run = _last_run(settings, file.resolve().parent)
    if output == "json":
        predictions = _predictions(last_run)
        records = [
            reading.to_dict() | {"predictions": predictions.get(reading.name, [])}
            for reading in found
        ]
        print(json.dumps(records, indent=2, ensure_ascii=False, allow_nan=False))
        return
    from rich.console import Console  # noqa: PLC0415

    from lydite.reporting.against_experiments import (  # noqa: PLC0415
        print_against_experiments,
    )
    from lydite.reporting.experiment_predictions import print_predictions  # noqa: PLC0415
    from lydite.reporting.experiments_terminal import print_experiments  # noqa: PLC0415

    console = Console()
    print_experiments(found, console)
    if last_run is not None:
        for row in last_run.outcomes:
            print_against_experiments(last_run, row["outcome"], console, settings.experiments)
            print_predictions(last_run, row["outcome"], console)


def _last_run(settings: Settings, folder: Path) -> Comparison | None:
    """Return what the last run published; None where there is none that can be read."""
    from lydite.results import read_published  # noqa: PLC0415

    storage = settings.storage
    try:
        return read_published(folder / storage.published, decisions=folder / storage.decisions)
    except InputError:
        return None


def _predictions(last_run: Comparison | None) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of ``mart.experiment_predictions`` by experiment."""
    found: dict[str, list[dict[str, Any]]] = {}
    frame = None if last_run is None else last_run.marts.get("experiment_predictions")
    for row in [] if frame is None else frame.to_dicts():
        row["read_on"] = row["read_on"].isoformat()
        found.setdefault(row.pop("experiment"), []).append(row)
    return found


def _only(settings: Settings, names: list[str] | None) -> Settings:
    """Return the settings with the chosen experiments only."""
    declared = settings.experiments
    for name in names or ():
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise InputError(f"no experiment {name!r} is declared; there are: {known}")
    chosen = declared if names is None else {name: declared[name] for name in names}
    return settings.model_copy(update={"experiments": chosen})
