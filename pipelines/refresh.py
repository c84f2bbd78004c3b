"""Runs the job `refresh` headless: ``python -m pipelines.refresh``, or with ``--full``.

Exit codes: 0 published, 2 the input cannot be used (nothing is published), 1 our fault.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from lydite.errors import InputError, LyditeError
from pipelines.assets.journeys import BUILD_JOURNEYS
from pipelines.definitions import make_definitions
from pipelines.project import load_project

_ABOUT = "Load, put every rival on trial, divide the conversions, publish."
_ONLY_PROGRESS: dict[str, Any] = {"loggers": {"progress": {"config": {}}}}
_IN_FULL = {"ops": {BUILD_JOURNEYS: {"config": {"full": True}}}}
_INPUT, _OURS = 2, 1


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job, and say in the end what went wrong, if anything did."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.refresh", description=_ABOUT)
    parser.add_argument("--full", action="store_true", help="lay out the journeys of all users")
    run_config = _ONLY_PROGRESS | (_IN_FULL if parser.parse_args(arguments).full else {})
    try:
        definitions = make_definitions(load_project())
    except LyditeError as error:
        return _fail(str(error), _INPUT)
    prepare_home()
    job = definitions.resolve_job_def("refresh")
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance, run_config=run_config, raise_on_error=False
        )
    return 0 if result.success else _explain(result)


def prepare_home() -> None:
    """Name DAGSTER_HOME where it is not, ``var/dagster``, and give it the project's settings."""
    home = Path(os.environ.get("DAGSTER_HOME") or "var/dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    settings = Path(__file__).resolve().parents[1] / "dagster.yaml"
    if settings.exists() and not (home / settings.name).exists():
        shutil.copy(settings, home)


def _explain(result: dg.ExecuteInProcessResult) -> int:
    """Say why a run failed: bad input in its own words, our fault with the traceback."""
    checks = [
        check.description or check.check_name
        for check in result.get_asset_check_evaluations()
        if not check.passed
    ]
    chains = [list(_chain(event)) for event in result.all_events if event.is_failure]
    mends = [_message(error) for chain in chains for error in chain if _is_input(error)]
    told = list(dict.fromkeys(checks + mends))
    if told:
        return _fail("\n".join(told), _INPUT)
    return _fail("\n".join(chain[0].to_string() for chain in chains if chain), _OURS)


def _chain(event: dg.DagsterEvent) -> Iterator[Any]:
    """Yield the error of a failure and its causes, the outermost first."""
    error = getattr(event.event_specific_data, "error", None)
    while error is not None:
        yield error
        error = error.cause


def _is_input(error: Any) -> bool:  # noqa: ANN401 - Dagster does not export its type
    return bool(error.cls_name == InputError.__name__)


def _message(error: Any) -> str:  # noqa: ANN401
    """Return the message without the name of its class in front."""
    return str(error.message).split(": ", 1)[-1].strip()


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"error: {message}\nNothing was published.\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
