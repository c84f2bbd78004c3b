"""The progress of a run in a terminal: one line per step, instead of all events."""

import logging
import sys

import dagster as dg


class _Lines(logging.Handler):
    """Writes a line when a step begins."""

    def emit(self, record: logging.LogRecord) -> None:
        event = getattr(record, "dagster_event", None)
        if (
            isinstance(event, dg.DagsterEvent)
            and event.event_type == dg.DagsterEventType.STEP_START
        ):
            sys.stderr.write(f"  {words(event.step_key or '')}\n")
            sys.stderr.flush()


def words(step: str) -> str:
    """Return the name of a step as words: ``check contract touchpoints``."""
    return step.replace("_", " ")


@dg.logger(description="One line per step, for people.")
def progress_logger(context: dg.InitLoggerContext) -> logging.Logger:
    """Return a logger that writes nothing but the progress."""
    del context
    logger = logging.Logger("progress", level=logging.DEBUG)  # noqa: LOG001 - not shared
    logger.addHandler(_Lines())
    return logger
