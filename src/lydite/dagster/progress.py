"""A logger that prints one line per step instead of all events of a run."""

import logging
import sys

import dagster as dg


class _StepHandler(logging.Handler):
    """Prints the name of every step that starts."""

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_event", None)
        if event is None or event.event_type != dg.DagsterEventType.STEP_START:
            return
        title = step_title(event.step_key)
        if title:
            sys.stderr.write(f"  {title}\n")
            sys.stderr.flush()


def step_title(step: str) -> str:
    """Return a step key as words ("build marts"), or an empty string for an asset check."""
    return "" if "__" in step else step.replace("_", " ")


def _make_logger(context: dg.InitLoggerContext) -> logging.Logger:
    del context
    logger = logging.Logger("progress", level=logging.DEBUG)
    logger.addHandler(_StepHandler())
    return logger


progress_logger = dg.LoggerDefinition(
    _make_logger, config_schema={}, description="Prints one line per step to stderr."
)
