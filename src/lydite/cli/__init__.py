"""The command line: one file per command, plus what they share."""

from lydite.cli.app import main

__all__ = ["main"]
