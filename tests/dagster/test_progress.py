"""The progress of a run in a terminal: steps and warnings, one line each."""

import dagster as dg
import pytest

from lydite.dagster.progress import (
    PROGRESS,
    PROGRESS_CONFIG,
    STOPPED,
    progress_logger,
    step_title,
)
from lydite.errors import InputError


@pytest.mark.parametrize(
    ("step", "title"),
    [("build_marts", "build marts"), ("inputs__touchpoints_not_null", "")],
)
def test_a_step_is_named_in_words_and_a_check_is_not_shown(step, title):
    assert step_title(step) == title


def test_steps_and_warnings_are_printed_and_other_events_are_not(capsys):
    @dg.op
    def load_spend(context: dg.OpExecutionContext) -> None:
        context.log.info("some detail")
        context.log.warning("waiting for a file")

    @dg.job(logger_defs={"progress": progress_logger})
    def refresh() -> None:
        load_spend()

    config = {"loggers": {"progress": {"config": {}}}}
    assert refresh.execute_in_process(run_config=config).success
    assert capsys.readouterr().err == "  load spend\n  waiting for a file\n"


@pytest.mark.parametrize(
    ("error", "last"),
    [
        (InputError("touchpoints: no such file"), "error: touchpoints: no such file"),
        (dg.DagsterExecutionInterruptedError(), STOPPED),
    ],
)
def test_a_run_of_a_service_ends_with_one_line(capsys, error, last):
    @dg.op
    def load_spend() -> None:
        raise error

    @dg.job(logger_defs={PROGRESS: progress_logger})
    def refresh() -> None:
        load_spend()

    assert not refresh.execute_in_process(run_config=PROGRESS_CONFIG, raise_on_error=False).success
    assert capsys.readouterr().err == f"  load spend\n{last}\n"


def test_steps_that_do_not_run_after_a_failure_are_not_listed(capsys):
    @dg.op
    def load_spend() -> int:
        raise ValueError("boom")

    @dg.op
    def build_marts(loaded: int) -> None:
        del loaded

    @dg.job(logger_defs={"progress": progress_logger})
    def refresh() -> None:
        build_marts(load_spend())

    config = {"loggers": {"progress": {"config": {}}}}
    assert not refresh.execute_in_process(run_config=config, raise_on_error=False).success
    assert "Dependencies for step" not in capsys.readouterr().err
