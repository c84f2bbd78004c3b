"""The application: its commands, the version, and exit codes."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lydite.cli import (
    check,
    compare,
    credit,
    doctor,
    experiments,
    export,
    history,
    init,
    ledger,
    next_experiments,
    promote,
    report,
    simulate,
)

if TYPE_CHECKING:
    from lydite.errors import LyditeError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    # Says that --help was not given when a command follows. Otherwise typer imports pydantic to
    # convert that missing value, which is a third of the time that `compare --help` takes.
    context_settings={"default_map": {"help": False}},
    help="Compare marketing attribution models: which one explains your conversions best?",
)
app.command(epilog=init.EXAMPLES)(init.init)
app.command(epilog=check.EXAMPLES)(check.check)
app.command(epilog=compare.EXAMPLES)(compare.compare)
app.command(epilog=credit.EXAMPLES)(credit.credit)
app.command(epilog=experiments.EXAMPLES)(experiments.experiments)
app.command(epilog=report.EXAMPLES)(report.report)
app.command(epilog=export.EXAMPLES)(export.export)
app.command(epilog=doctor.EXAMPLES)(doctor.doctor)
app.command(epilog=promote.EXAMPLES)(promote.promote)
app.command(epilog=history.EXAMPLES)(history.history)
app.command("next", epilog=next_experiments.EXAMPLES)(next_experiments.next_experiments)
app.command(epilog=simulate.EXAMPLES)(simulate.simulate)
app.add_typer(ledger.app, name="ledger")


def _print_version(requested: bool) -> None:
    if requested:
        from lydite import __version__  # noqa: PLC0415

        typer.echo(f"lydite {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    del version


def main() -> None:
    """Run the command.

    It exits with 2 on bad input, with 3 when a file or disk is locked, full or not writable, and
    with 1 on a bug.
    """
    from lydite.environment import hide_in_error  # noqa: PLC0415
    from lydite.errors import LyditeError, explain_system_error  # noqa: PLC0415

    shown = None
    try:
        app()
    except LyditeError as error:
        _fail(error)
    except Exception as error:
        known, shown = explain_system_error(f"{error}"), hide_in_error(error)
        if known is not None:
            _fail(known)
        if shown is None:
            raise
    if shown is not None:  # outside of the except block: its traceback has no secret
        raise shown


def _fail(error: LyditeError) -> None:
    from lydite.environment import hide  # noqa: PLC0415

    typer.echo(f"error: {hide(str(error))}", err=True)
    sys.exit(error.exit_code)
