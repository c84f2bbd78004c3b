"""Runs the job ``refresh`` without Dagster's UI: ``python -m pipelines.refresh``.

Where Dagster's services run the project, they execute the run when its turn in the queue comes;
otherwise this process does.

Exit codes: 0 published, or nothing has changed since the last run; 2 the input cannot be used; 3 a
file or disk is locked, full or not writable; 1 any other error. With 1 to 3 nothing was published.
143: stopped by SIGTERM.
"""

import argparse
import logging
import os
import shutil
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from lydite.dagster.assets.journeys import BUILD_JOURNEYS
from lydite.dagster.assets.publishing import PUBLISH
from lydite.dagster.headless import end_killed_runs, have_services, headless_run
from lydite.dagster.progress import STOPPED
from lydite.errors import InputError, LyditeError, UnavailableError, explain_system_error
from lydite.memory import keep_freed_memory
from lydite.reporting.notifications import notify_failure
from lydite.settings import load_settings
from pipelines import queue
from pipelines.definitions import defs
from pipelines.project import ROOT, settings_file

_ABOUT = "Load the inputs, compare the models, attribute conversions, publish."
_PROGRESS_ONLY: dict[str, Any] = {"loggers": {"progress": {"config": {}}}}
_BAD_INPUT, _FAILURE, _STOPPED = 2, 1, 128 + signal.SIGTERM
#: The error of a step whose check failed; Dagster does not export the class.
_CHECK_FAILED = "DagsterAssetCheckFailedError"
_NOT_PUBLISHED = "Nothing was published."
_PUBLISHED = "The database was published before that, and is whole."
_JOB = "refresh"
#: Warns of each check of a step that is skipped, as in a run without changes.
_SKIPPED_CHECKS = "dagster._core.execution.plan.active"
_UNCHANGED = (
    "Neither the input rows nor the settings have changed since the last run: nothing was computed"
    " or published. FULL=1 runs all steps."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job and return the exit code; a failure is explained on stderr."""
    parser = argparse.ArgumentParser(prog="python -m pipelines.refresh", description=_ABOUT)
    parser.add_argument(
        "--full", action="store_true", help="run all steps, and rebuild the journeys of all users"
    )
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        metavar="KIND",
        help="accept findings of a kind, such as sudden_drop, in this run only; repeat for more",
    )
    options = vars(parser.parse_args(arguments))
    keep_freed_memory()
    config = {name: value for name, value in options.items() if value}
    run_config = {"ops": {BUILD_JOURNEYS: {"config": config}}} if config else {}
    try:
        job = defs().resolve_job_def(_JOB)
    except Exception as error:
        wrong_setting = _input_error_in(error)
        if wrong_setting is None:
            raise
        return _fail(str(wrong_setting), _BAD_INPUT)
    prepare_home()
    logging.getLogger(_SKIPPED_CHECKS).setLevel(logging.ERROR)
    # As Dagster handles it between two steps; within a step, it raises its error.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with dg.DagsterInstance.get() as instance:
            if have_services(instance, settings_file()):
                return _run_in_queue(instance, run_config)
            with headless_run(instance) as tags:
                result = job.execute_in_process(
                    instance=instance,
                    run_config=_PROGRESS_ONLY | run_config,
                    raise_on_error=False,
                    tags=tags,
                )
    except KeyboardInterrupt:
        return _say_stopped()
    if result.success:
        return _say_done(result.all_events)
    code, message = _explain(result.all_events)
    if code != _STOPPED:
        _notify(result.run_id, message)
    return code


def _run_in_queue(instance: dg.DagsterInstance, run_config: Mapping[str, Any]) -> int:
    """Leave the run to Dagster's services, which also notify of a failure."""
    end_killed_runs(instance)
    try:
        with queue.noted_signals() as signals:
            run_id = queue.submit(_JOB, run_config)
            succeeded, events = queue.follow(instance, run_id, signals)
    except UnavailableError as error:
        return _fail(str(error), error.exit_code)
    return _say_done(events) if succeeded else _explain(events)[0]


def _say_done(events: Sequence[dg.DagsterEvent]) -> int:
    if any(event.is_step_skipped for event in events):
        sys.stderr.write(f"{_UNCHANGED}\n")
    return 0


def _say_stopped() -> int:
    sys.stderr.write(f"{STOPPED}\n")
    return _STOPPED


def _notify(run_id: str, why: str) -> None:
    """Notify those in the settings: no sensor does it for this run."""
    settings = load_settings(settings_file()).notify
    for failed in notify_failure(settings, _JOB, run_id, why):
        sys.stderr.write(f"  {failed}\n")


def _input_error_in(error: BaseException | None) -> InputError | None:
    """Return the error about a setting that Dagster wraps when it loads the component."""
    while error is not None and not isinstance(error, InputError):
        error = error.__cause__
    return error


def prepare_home() -> None:
    """Set DAGSTER_HOME, ``var/dagster`` by default, and copy ``dagster.yaml`` to it."""
    home = Path(os.environ.get("DAGSTER_HOME") or "var/dagster").resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    if not (home / "dagster.yaml").exists():
        shutil.copy(ROOT / "dagster.yaml", home)


def _explain(events: Sequence[dg.DagsterEvent]) -> tuple[int, str]:
    """Explain a failed run: the message of bad input, the traceback of any other error.

    Return the exit code and the message.
    """
    failed_checks = [
        check.description or check.check_name
        for check in _evaluations(events)
        if not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]
    failures = [(event, list(_causes(event))) for event in events if event.is_failure]
    chains = [chain for _, chain in failures]
    stopped = dg.DagsterExecutionInterruptedError.__name__
    if any(error.cls_name == stopped for chain in chains for error in chain):
        return _say_stopped(), ""
    known = [error for chain in chains for error in map(_known, chain) if error is not None]
    messages = list(dict.fromkeys(failed_checks + [str(error) for error in known]))
    unknown = [
        chain for event, chain in failures if event.is_step_failure and not _is_explained(chain)
    ]
    steps = [event.step_key for event in events if event.is_step_success]
    end = _PUBLISHED if PUBLISH in steps else _NOT_PUBLISHED
    if messages and not unknown:
        message = "\n".join(messages)
        code = max((error.exit_code for error in known), default=_BAD_INPUT)
    else:
        found = [chain[0].to_string() for chain in unknown or chains if chain]
        message = "\n".join(found or [event.message or "" for event, _ in failures])
        code = _FAILURE
    return _fail(message, code, end), message


def _evaluations(events: Sequence[dg.DagsterEvent]) -> list[dg.AssetCheckEvaluation]:
    return [
        event.event_specific_data
        for event in events
        if isinstance(event.event_specific_data, dg.AssetCheckEvaluation)
    ]


def _is_explained(chain: Sequence[Any]) -> bool:
    """Return whether a failure of a step is a known error, or that of a check."""
    return any(error.cls_name == _CHECK_FAILED or _known(error) is not None for error in chain)


def _causes(event: dg.DagsterEvent) -> Iterator[Any]:
    """Yield the error of a failure and its causes, the outermost first."""
    error = getattr(event.event_specific_data, "error", None)
    while error is not None:
        yield error
        error = error.cause


def _known(error: Any) -> LyditeError | None:  # noqa: ANN401 - Dagster does not export its type
    """Return the error that Lydite raised, or one that says what to do about a full disk."""
    message = str(error.message).split(": ", 1)[-1].strip()
    for kind in (InputError, UnavailableError):
        if error.cls_name == kind.__name__:
            return kind(message)
    if error.cls_name == dg.Failure.__name__:
        return None  # its cause is the error
    return explain_system_error(message)


def _fail(message: str, code: int, end: str = _NOT_PUBLISHED) -> int:
    sys.stderr.write(f"error: {message}\n{end}\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
