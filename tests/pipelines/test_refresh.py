"""The exit codes of a run without the UI, and the folder that it gives Dagster."""

from __future__ import annotations

import errno
import os
import signal

import dagster as dg
import pytest

from lydite.dagster.assets.publishing import PUBLISH
from lydite.dagster.progress import progress_logger
from lydite.errors import InputError, UnavailableError
from pipelines import refresh


@pytest.fixture
def home(tmp_path, monkeypatch):
    """Return the folder of DAGSTER_HOME, which does not exist yet."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run_failing(monkeypatch: pytest.MonkeyPatch, error: Exception | signal.Signals) -> int:
    """Run a job whose only asset raises an error or gets a signal, and return the exit code."""

    @dg.asset
    def failing() -> None:
        if isinstance(error, signal.Signals):
            signal.raise_signal(error)
        else:
            raise error

    definitions = dg.Definitions(
        assets=[failing],
        jobs=[dg.define_asset_job("refresh")],
        loggers={"progress": progress_logger},
        executor=dg.in_process_executor,
    )
    monkeypatch.setattr(refresh, "defs", lambda: definitions)
    return refresh.main([])


def test_bad_input_is_explained_without_a_traceback(home, monkeypatch, capsys):
    assert run_failing(monkeypatch, InputError("touchpoints: no such file")) == 2
    printed = capsys.readouterr().err
    assert printed == "  failing\nerror: touchpoints: no such file\nNothing was published.\n"


def test_any_other_error_is_shown_with_its_traceback(home, monkeypatch, capsys):
    assert run_failing(monkeypatch, ValueError("boom")) == 1
    printed = capsys.readouterr().err
    assert "ValueError: boom" in printed
    assert "test_refresh.py" in printed


@pytest.mark.parametrize(
    "error",
    [
        UnavailableError("warehouse.duckdb is being written by another process"),
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "var/report.html"),
        OSError(errno.EROFS, os.strerror(errno.EROFS), "var"),
    ],
)
def test_what_is_locked_full_or_not_writable_has_an_exit_code_of_its_own(
    home, monkeypatch, capsys, error
):
    assert run_failing(monkeypatch, error) == 3
    printed = capsys.readouterr().err
    assert "Traceback" not in printed
    assert printed.startswith("  failing\nerror: ")
    assert printed.endswith("\nNothing was published.\n")


def test_a_run_that_is_stopped_ends_with_one_line(home, monkeypatch, capsys):
    def stop() -> None:
        signal.raise_signal(signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    try:
        assert run_failing(monkeypatch, signal.SIGTERM) == 143
        assert capsys.readouterr().err == (
            "  failing\nerror: the run was stopped. Published files are whole: run it again.\n"
        )
        monkeypatch.setattr(
            refresh, "prepare_home", lambda: monkeypatch.setattr(dg.DagsterInstance, "get", stop)
        )
        assert run_failing(monkeypatch, ValueError("never raised")) == 143
        assert capsys.readouterr().err.startswith("error: the run was stopped")
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_missing_settings_file_is_bad_input(home, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("LYDITE_CONFIG", str(tmp_path / "none.toml"))
    assert refresh.main([]) == 2
    assert "there is no settings file" in capsys.readouterr().err


def test_dagster_gets_the_settings_of_the_checkout_once(home):
    refresh.prepare_home()
    assert os.environ["DAGSTER_HOME"] == str(home)
    settings = home / "dagster.yaml"
    assert "max_concurrent_runs: 1" in settings.read_text()
    settings.write_text("telemetry:\n  enabled: false\n")
    refresh.prepare_home()
    assert settings.read_text() == "telemetry:\n  enabled: false\n"


def test_an_error_after_publishing_and_warnings_of_checks_do_not_hide_each_other(
    home, monkeypatch, capsys
):
    @dg.asset(
        name=PUBLISH,
        check_specs=[dg.AssetCheckSpec("stands", asset=PUBLISH)],
    )
    def publish():
        yield dg.AssetCheckResult(
            passed=False, severity=dg.AssetCheckSeverity.WARN, description="only a warning"
        )
        yield dg.MaterializeResult()

    @dg.asset(deps=[publish])
    def report():
        raise ValueError("boom")

    job = dg.define_asset_job("refresh", selection="*")
    definitions = dg.Definitions(
        assets=[publish, report],
        jobs=[job],
        loggers={"progress": progress_logger},
        executor=dg.in_process_executor,
    )
    monkeypatch.setattr(refresh, "defs", lambda: definitions)
    assert refresh.main([]) == 1
    printed = capsys.readouterr().err
    assert "ValueError: boom" in printed
    assert "only a warning" not in printed
    assert printed.endswith("\nThe database was published before that, and is whole.\n")
