"""Errors that users can fix, and the exit codes of the commands."""

from __future__ import annotations

import re
from typing import ClassVar


class LyditeError(Exception):
    """Base of every error that Lydite raises on purpose.

    Attributes
    ----------
    exit_code
        What a command exits with; 1 is for errors that are not raised on purpose.
    """

    exit_code: ClassVar[int] = 2


class InputError(LyditeError):
    """Input that cannot be used: the message says where, what is wrong and what to do."""


class UnavailableError(LyditeError):
    """A file or disk that is locked, full, damaged or not writable: a later run may work."""

    exit_code = 3


_SYSTEM = {
    r"No space left on device|Disk quota exceeded|not enough (?:disk )?space": "the disk is full:"
    " free some space, or move the files of the section [storage] of the settings to another disk",
    r"File too large": "a file would be larger than the file system, or a limit of this process"
    " (ulimit -f), allows: raise the limit, or move the files of the section [storage] of the"
    " settings to another disk",
    r"[Cc]orrupt|checksum .* does not match|Could not read enough bytes|Failed to"
    r" deserialize": "a DuckDB file, most likely the warehouse, is damaged: restore"
    " it from a backup. Without one, remove it: the next run builds it again, and scores all"
    " periods from today's data",
    r"Read-only file system|Permission denied|Operation not permitted": "a file or folder cannot be"
    " written: make it writable, or choose another in the section [storage] of the settings",
}


def explain_system_error(message: str) -> UnavailableError | None:
    """Return an error that says what to do, if a message is about a file or disk that fails.

    Parameters
    ----------
    message
        The text of an error of the operating system, or of a library that passes it on.
    """
    for pattern, what_to_do in _SYSTEM.items():
        if re.search(pattern, message):
            return UnavailableError(f"{what_to_do} ({message.strip().splitlines()[0]})")
    return None
