"""Runs the job `refresh` headless: ``python -m pipelines.refresh``.

Exit codes: 0 published, 2 the input cannot be used (nothing is published), 1 our fault.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
from dagster._utils.error import SerializableErrorInfo

from lydite.errors import LyditeError

_ONLY_PROGRESS = {"loggers": {"progress": {"config": {}}}}
_INPUT, _OURS = 2, 1


def main() -> int:
    """Run the job and say in the end what went wrong, if anything did."""
    prepare_home()
    try:
        from pipelines.definitions import defs  # noqa: PLC0415 - reads the settings file
    except LyditeError as error:
        return _fail(str(error), _INPUT)
    job = defs.resolve_job_def("refresh")
    with dg.DagsterInstance.get() as instance:
        result = job.execute_in_process(
            instance=instance, run_config=_ONLY_PROGRESS, raise_on_error=False
        )
    if result.success:
        return 0
    return _explain(result)


def prepare_home() -> None:
    """Name DAGSTER_HOME where it is not, ``var/dagster``, and give it the project's settings."""
    home = Path(os.environ.get("DAGSTER_HOME", "var/dagster")).resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    settings = Path(__file__).resolve().parents[1] / "dagster.yaml"
    if settings.exists() and not (home / "dagster.yaml").exists():
        shutil.copy(settings, home)


def _explain(result: dg.ExecuteInProcessResult) -> int:
    failed = [
        evaluation.description or evaluation.check_name
        for evaluation in result.get_asset_check_evaluations()
        if not evaluation.passed
    ]
    if failed:
        return _fail("\n".join(failed), _INPUT)
    errors = list(_errors(result))
    inputs = [cause.message for error in errors for cause in _causes(error) if _is_input(cause)]
    if inputs:
        return _fail("\n".join(dict.fromkeys(map(_message, inputs))), _INPUT)
    return _fail("\n".join(error.to_string() for error in errors), _OURS)


def _errors(result: dg.ExecuteInProcessResult) -> Iterator[SerializableErrorInfo]:
    for event in result.all_events:
        if event.is_step_failure and event.step_failure_data.error is not None:
            yield event.step_failure_data.error
        elif event.is_failure and event.event_type == dg.DagsterEventType.RUN_FAILURE:
            error = event.job_failure_data.error
            if error is not None:
                yield error


def _causes(error: SerializableErrorInfo) -> Iterator[SerializableErrorInfo]:
    cause: SerializableErrorInfo | None = error
    while cause is not None:
        yield cause
        cause = cause.cause


def _is_input(error: SerializableErrorInfo) -> bool:
    return error.cls_name == "InputError"


def _message(text: str) -> str:
    """Return the message without the name of its class in front."""
    return text.split(": ", 1)[-1].strip()


def _fail(message: str, code: int) -> int:
    sys.stderr.write(f"error: {message}\nNothing was published.\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
