"""Progress on standard error: a status line on a terminal, one line per step elsewhere."""

from __future__ import annotations

from typing import Self


class Progress:
    """Shows the current step while the block runs.

    Parameters
    ----------
    quiet
        Whether to show nothing.
    """

    def __init__(self, *, quiet: bool) -> None:
        from rich.console import Console  # noqa: PLC0415  (not needed for --help)

        self._console = Console(stderr=True, quiet=quiet)
        self._status = self._console.status("starting")

    def __enter__(self) -> Self:
        """Start the status line on a terminal."""
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the status line."""
        self._status.stop()

    def say(self, step: str) -> None:
        """Show the step that starts now."""
        if self._console.is_terminal:
            self._status.update(step)
        else:
            self._console.print(step, style="dim")
