"""The progress of a call: a status line on a terminal or under the cell of a notebook."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    #: True: always; False: never; None: on a terminal or in a notebook. Or what is called with the
    #: description of each step.
    Progress: TypeAlias = bool | Callable[[str], None] | None


@contextmanager
def show_progress(progress: Progress = None) -> Iterator[Callable[[str], None]]:
    """Show the current step while the block runs; yield the function that shows a step."""
    if callable(progress):
        yield progress
    elif progress is False:
        yield _ignore
    elif _in_marimo():
        with _marimo_status() as say:
            yield say
    elif _in_jupyter():
        with _jupyter_status() as say:
            yield say
    else:
        with _terminal_status(always=progress is True) as say:
            yield say


def _ignore(step: str) -> None:
    del step


@contextmanager
def _terminal_status(*, always: bool) -> Iterator[Callable[[str], None]]:
    """Show a status line on a terminal; elsewhere a line per step, if `always`."""
    from rich.console import Console  # noqa: PLC0415  (only where it is shown)

    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("starting") as status:
            yield status.update
    else:
        yield (lambda step: console.print(step, style="dim")) if always else _ignore


def _in_jupyter() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return type(shell).__name__ == "ZMQInteractiveShell"


@contextmanager
def _jupyter_status() -> Iterator[Callable[[str], None]]:
    """Show the step under the cell, and remove it at the end."""
    from IPython.display import HTML, display  # noqa: PLC0415  (there is a notebook)

    line = display({"text/plain": "starting"}, raw=True, display_id=True)
    try:
        yield lambda step: line.update({"text/plain": step}, raw=True)
    finally:
        line.update(HTML(""))


def _in_marimo() -> bool:
    marimo = sys.modules.get("marimo")
    return marimo is not None and bool(marimo.running_in_notebook())


@contextmanager
def _marimo_status() -> Iterator[Callable[[str], None]]:
    import marimo  # noqa: PLC0415  (it runs this code)

    with marimo.status.spinner(title="lydite", remove_on_exit=True) as spinner:
        yield lambda step: spinner.update(subtitle=step)
