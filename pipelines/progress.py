"""The progress of a run in a terminal: one line per step, instead of all events."""

import logging
import sys

import dagster as dg


class _Lines(logging.Handler):
    """Writes a line when a step begins."""

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_event", None)
        if event is None or event.event_type != dg.DagsterEventType.STEP_START:
            return
        line = words(event.step_key)
        if line:
            sys.stderr.write(f"  {line}\n")
            sys.stderr.flush()


def words(step: str) -> str:
    """Return a step name as words, empty for a check: `build_marts` becomes "build marts"."""
    return "" if "__" in step else step.replace("_", " ")


def _make(context: dg.InitLoggerContext) -> logging.Logger:
    del context
    logger = logging.Logger("progress", level=logging.DEBUG)
    logger.addHandler(_Lines())
    return logger


progress_logger = dg.LoggerDefinition(
    _make, config_schema={}, description="One line per step, for people."
)
