"""Runs the job `refresh` without the UI, then prints the verdict: `python -m pipelines.refresh`."""

import os
import sys
from pathlib import Path

import dagster as dg
from rich.console import Console

from lydite.comparison import read_comparison
from lydite.config import Settings, load_settings
from lydite.engine import DuckDBEngine, load_sql
from lydite.errors import LyditeError
from lydite.reporting.terminal import print_comparison
from pipelines.definitions import make_definitions


def main() -> int:
    """Run the job; return 0, or 1 when a step failed, or 2 on bad settings."""
    console = Console()
    try:
        settings = load_settings(os.environ.get("LYDITE_CONFIG", "lydite.toml"))
    except LyditeError as error:
        console.print(f"error: {error}", style="red", markup=False)
        return 2
    succeeded = run(settings, console)
    if succeeded:
        show(settings, console)
    return 0 if succeeded else 1


def run(settings: Settings, console: Console) -> bool:
    """Run the job in this process; print one line per step, and why it failed if it did."""
    home = os.environ.get("DAGSTER_HOME")
    if home:
        Path(home).mkdir(parents=True, exist_ok=True)
    job = make_definitions(settings).resolve_job_def("refresh")
    with dg.DagsterInstance.get() if home else dg.DagsterInstance.ephemeral() as instance:
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
    for event in result.all_events:
        if event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION:
            console.print(f"  done  {'/'.join(event.asset_key.path)}", style="dim")  # type: ignore[union-attr]
        elif event.is_failure and event.is_step_event:
            console.print(f"  failed  {event.step_key}: {_cause(event)}", style="red", markup=False)
    for check in result.get_asset_check_evaluations():
        if not check.passed:
            console.print(f"  check failed  {check.check_name}: {check.description}", style="red")
    return result.success


def _cause(event: dg.DagsterEvent) -> str:
    error = getattr(event.event_specific_data, "error", None)
    while error is not None and error.cause is not None:
        error = error.cause
    return "" if error is None else error.message.strip()


def show(settings: Settings, console: Console) -> None:
    """Print the verdicts, where the page is, and one query to begin with."""
    with DuckDBEngine(settings.storage.warehouse) as engine:
        comparison = read_comparison(engine)
    print_comparison(comparison, console)
    console.print(f"\nThe page: {settings.storage.report}", soft_wrap=True)
    console.print(f"The database: {settings.storage.published}; for example:\n", soft_wrap=True)
    query = load_sql("examples/best_model")
    console.print("\n".join(line for line in query.splitlines() if not line.startswith("--")),
                  markup=False, style="dim")  # fmt: skip
    with DuckDBEngine(settings.storage.published) as reader:
        console.print(reader.run(query).pl(), markup=False)


if __name__ == "__main__":
    sys.exit(main())
