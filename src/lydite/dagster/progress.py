"""A logger that prints steps and warnings instead of all events of a run."""

import logging
import sys

import dagster as dg

_NOT_RUN = "Dependencies for step "


class _StepHandler(logging.Handler):
    """Prints a line when a step starts, and the text of warnings that steps log."""

    def emit(self, record: logging.LogRecord) -> None:
        line = _line(record)
        if line:
            sys.stderr.write(f"  {line}\n")
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


def step_title(step: str) -> str:
    """Return a step key as words ("build marts"), or an empty string for an asset check."""
    return "" if "__" in step else step.replace("_", " ")


def _make_logger(context: dg.InitLoggerContext) -> logging.Logger:
    del context
    logger = logging.Logger("progress", level=logging.DEBUG)
    logger.addHandler(_StepHandler())
    return logger


progress_logger = dg.LoggerDefinition(
    _make_logger, config_schema={}, description="Prints steps and warnings to stderr."
)
