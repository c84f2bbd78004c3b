"""Files and folders that are replaced in one rename: a reader finds the old one or the new one."""

from __future__ import annotations

import contextlib
import re
import secrets
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def new_version(path: Path) -> Iterator[Path]:
    """Yield where to write the new version of a file or folder: next to it, under a random name.

    The block writes it and renames it to `path`. What is left of it after the block is removed. A
    lock next to it shows that its process is alive: files of killed processes have none, and the
    next use for the same `path` removes them. Numbers of processes cannot show that: they are the
    same in every container.

    Parameters
    ----------
    path
        The file or folder to replace; its folder exists.

    Raises
    ------
    OSError
        When the folder cannot be written.

    Examples
    --------
    >>> folder = getfixture("tmp_path")
    >>> with new_version(folder / "report.html") as new:
    ...     _ = new.write_text("whole")
    ...     _ = new.replace(folder / "report.html")
    >>> [file.name for file in folder.iterdir()]
    ['report.html']
    """
    from filelock import FileLock  # noqa: PLC0415 - only those who write files need it

    remove_leftovers(path)
    new = path.with_name(f".{path.name}.{secrets.token_hex(4)}.new")
    try:
        with FileLock(_lock_of(new)):
            try:
                yield new
            finally:
                _remove(new)
    finally:
        _lock_of(new).unlink(missing_ok=True)


def remove_leftovers(path: Path) -> None:
    """Remove new versions of a file or folder whose process was killed, where that is possible."""
    from filelock import FileLock, Timeout  # noqa: PLC0415

    for new in leftovers(path):
        lock = FileLock(_lock_of(new))
        with contextlib.suppress(OSError, Timeout):
            with lock.acquire(blocking=False):
                _remove(new)
            _lock_of(new).unlink(missing_ok=True)


def leftovers(path: Path) -> list[Path]:
    """Return the new versions of a file or folder that are there, in use or not."""
    own = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]+\.new")
    found = (own.match(file.name) for file in path.parent.iterdir())
    return [path.with_name(name) for name in sorted({match[0] for match in found if match})]


def _lock_of(new: Path) -> Path:
    return new.with_name(f"{new.name}.lock")


def _remove(new: Path) -> None:
    """Remove a new version, and what DuckDB keeps next to a database; not its lock."""
    if new.is_dir():
        shutil.rmtree(new, ignore_errors=True)
    for file in (new, new.with_name(f"{new.name}.wal")):
        file.unlink(missing_ok=True)
