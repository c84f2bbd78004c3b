"""Starts a PostgreSQL server on loopback, with a password, for tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

USER = "lydite"
PASSWORD = "p@ss:w/o?rd#1%"  # every character that a URL must encode
_SECONDS = 30


@dataclass(frozen=True)
class Server:
    """A running server."""

    port: int
    password: str = PASSWORD

    @property
    def url(self) -> str:
        """The URL as it is written in settings."""
        return f"postgresql://{USER}:${{TEST_PASSWORD}}@127.0.0.1:{self.port}/postgres"

    def run(self, *statements: str) -> list[Any]:
        """Execute statements; return the rows of the last one."""
        with self._cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def store(self, table: str, frame: pl.DataFrame) -> None:
        """Create a table with the rows of a frame."""
        with self._cursor() as cursor:
            cursor.adbc_ingest(table, frame.to_arrow())

    @contextlib.contextmanager
    def _cursor(self) -> Iterator[Any]:
        from adbc_driver_postgresql import dbapi  # noqa: PLC0415

        url = self.url.replace("${TEST_PASSWORD}", quote(self.password, safe=""))
        with dbapi.connect(url, autocommit=True) as connection, connection.cursor() as cursor:
            yield cursor


def find_program(name: str) -> str | None:
    """Return the path of a program of the server; Debian does not put them on the path."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    found = (shutil.which(name), *(shutil.which(name, path=folder) for folder in folders))
    return next((path for path in found if path), None)


@contextlib.contextmanager
def running_server() -> Iterator[Server]:
    """Start a server with an empty database in a temporary folder; stop it after the block."""
    initdb, postgres = find_program("initdb"), find_program("postgres")
    assert initdb is not None
    assert postgres is not None
    with tempfile.TemporaryDirectory(prefix="lydite_postgres_", ignore_cleanup_errors=True) as name:
        folder, port = Path(name), _free_port()
        (folder / "password").write_text(PASSWORD)
        as_user = _not_root(folder)
        subprocess.run(
            [
                initdb, "-D", folder / "data", "-U", USER, "--pwfile", folder / "password",
                "-A", "scram-sha-256", "-E", "UTF8", "--locale", "C", "--no-sync",
            ],
            check=True, capture_output=True, cwd=folder, **as_user,
        )  # fmt: skip
        with (folder / "log").open("w") as log:
            server = subprocess.Popen(
                [
                    postgres, "-D", folder / "data", "-p", str(port), "-F",
                    "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
                ],
                stdout=log, stderr=log, cwd=folder, **as_user,
            )  # fmt: skip
        try:
            _wait(port, folder / "log")
            yield Server(port)
        finally:
            server.terminate()
            server.wait(_SECONDS)


def _not_root(folder: Path) -> dict[str, Any]:
    """Return the options of a process that may run the server, which refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    users = {user.pw_name: user for user in pwd.getpwall()}
    user = users.get("postgres") or users["nobody"]
    for path in (folder, *folder.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(port: int, log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while "ready to accept connections" not in log.read_text():
        assert time.monotonic() < end, log.read_text()
        time.sleep(0.05)
    with socket.create_connection(("127.0.0.1", port), timeout=_SECONDS):
        pass
