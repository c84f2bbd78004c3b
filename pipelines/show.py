"""Prints what the last run published: ``python -m pipelines.show``.

Exit codes: 0 printed; 2 nothing has been published yet, or it cannot be read.
"""

import sys

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from lydite.engine import DuckDBEngine, load_sql
from lydite.errors import InputError, LyditeError
from lydite.project import Project, load_project
from lydite.publishing import open_published
from lydite.reporting.display_names import conversions_of
from lydite.reporting.experiment_findings import experiment_findings, next_test_in_words
from lydite.reporting.queries import main_first
from lydite.reporting.terminal import print_comparison
from lydite.results import Comparison, read_comparison
from pipelines.project import settings_file

_QUERY = "examples/best_model"
_NO_EXPERIMENT = "No experiment has tested the credit of a channel yet."
_NOTHING_YET = "nothing has been published yet: run make refresh"


def main() -> int:
    """Print the verdicts, an example query, what experiments say, and where the report is."""
    console = Console()
    try:
        project = load_project(settings_file())
        comparison = _published(project)
        print_comparison(comparison, console)
        console.print(f"\nThe tables for analysts: {project.published}", soft_wrap=True)
        _print_example(console, project)
        print_findings(comparison, console)
        console.print(f"\nThe report: {project.report}", soft_wrap=True)
    except LyditeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


def _published(project: Project) -> Comparison:
    """Return the comparison of the last run that published.

    Raises
    ------
    InputError
        When no run has published yet, or one is writing.
    """
    if not (project.published.exists() and project.warehouse.exists()):
        raise InputError(_NOTHING_YET)
    with DuckDBEngine(project.warehouse) as engine:
        if not engine.exists("mart.outcomes"):
            raise InputError(_NOTHING_YET)
        return read_comparison(engine, report_settings=project.settings.shown())


def print_findings(comparison: Comparison, console: Console) -> None:
    """Print what experiments say about the credit, and which test comes next.

    Parameters
    ----------
    comparison
        What was published.
    console
        Where to print.
    """
    outcomes = main_first(comparison)
    tested = [outcome for outcome in outcomes if experiment_findings(comparison, outcome)]
    for outcome in tested or outcomes[:1]:
        console.print()
        console.rule(Text(f"Experiments on {conversions_of(outcome)}", "bold"), align="left")
        said = experiment_findings(comparison, outcome) or [_NO_EXPERIMENT]
        for text in (*said, next_test_in_words(comparison, outcome)):
            if text:
                console.print(Text(text))


def _print_example(console: Console, project: Project) -> None:
    query = load_sql(_QUERY)
    console.print(f"\nAn example query on them, sql/{_QUERY}.sql:\n")
    lines = [line for line in query.splitlines() if not line.startswith("-- @")]
    console.print("\n".join(lines), style="dim", highlight=False, markup=False)
    with open_published(project.published) as reader:
        result = reader.execute(query)
        table = Table(*(name for name, *_ in result.description), box=SIMPLE, collapse_padding=True)
        for row in result.fetchall():
            table.add_row(*("" if cell is None else str(cell) for cell in row))
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
