"""A logger that prints steps and warnings instead of all events of a run."""

import logging
import sys
from typing import Any

import dagster as dg

#: The key of the logger in the definitions of a component.
PROGRESS = "lydite_progress"
#: The run config of runs of services: they end with what is wrong, in a line.
PROGRESS_CONFIG: dict[str, Any] = {"loggers": {PROGRESS: {"config": {"errors": True}}}}
STOPPED = "error: the run was stopped. Published files are whole: run it again."
_INTERRUPTED = dg.DagsterExecutionInterruptedError.__name__
_NOT_RUN = "Dependencies for step "


class _StepHandler(logging.Handler):
    """Prints a line when a step starts, and the text of warnings that steps log.

    Parameters
    ----------
    errors
        Whether to print the error of a step that fails, and that a run was stopped. Tracebacks are
        among the events of the run.
    """

    def __init__(self, *, errors: bool) -> None:
        super().__init__()
        self._errors = errors

    def emit(self, record: logging.LogRecord) -> None:
        line = _line(record)
        error = _error(record) if self._errors else ""
        if line or error:
            sys.stderr.write(f"{error}\n" if error else f"  {line}\n")
            sys.stderr.flush()


def _line(record: logging.LogRecord) -> str:
    """Return the line for a record, empty for those that are not shown."""
    event = getattr(record, "dagster_event", None)
    if event is not None:
        started = event.event_type == dg.DagsterEventType.STEP_START
        return step_title(event.step_key) if started else ""
    logged = str(getattr(record, "dagster_meta", {}).get("orig_message", ""))
    # After a failure, Dagster logs an error for each of the steps that it does not run.
    is_shown = record.levelno >= logging.WARNING and not logged.startswith(_NOT_RUN)
    return logged if is_shown else ""


def _error(record: logging.LogRecord) -> str:
    """Return the line for a failure, empty for other records."""
    event = getattr(record, "dagster_event", None)
    if event is None or not event.is_failure:
        return ""
    error = getattr(event.event_specific_data, "error", None)
    interrupted = error is not None and _INTERRUPTED in error.to_string()
    if not event.is_step_failure:
        return STOPPED if interrupted else ""
    return "" if interrupted else f"error: {error_message(event)}"


def error_message(event: dg.DagsterEvent) -> str:
    """Return the message of the innermost error of a failed step."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.partition(": ")[2].strip() if error is not None else ""


def step_title(step: str) -> str:
    """Return a step key as words ("build marts"), or an empty string for an asset check."""
    return "" if "__" in step else step.replace("_", " ")


def _make_logger(context: dg.InitLoggerContext) -> logging.Logger:
    logger = logging.Logger("progress", level=logging.DEBUG)
    logger.addHandler(_StepHandler(errors=context.logger_config["errors"]))
    return logger


progress_logger = dg.LoggerDefinition(
    _make_logger,
    config_schema={"errors": dg.Field(bool, default_value=False)},
    description="Prints steps and warnings to stderr, and errors if asked to.",
)
