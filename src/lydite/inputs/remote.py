"""Reads files over s3://, gs:// and https://, with the credentials of the environment."""

from __future__ import annotations

import base64
import contextlib
import glob
import http.client
import importlib
import io
import os
import re
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Lock
from typing import IO, TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import quote, unquote, urlsplit

import duckdb

from lydite.environment import expand, hide, mask
from lydite.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lydite.engine import DuckDBEngine

T = TypeVar("T")
_URL = re.compile(r"(s3|s3a|gs|https?)://", re.IGNORECASE)
_ANY_URL = re.compile(r"(\w[\w+.-]*)://")
_URL_IN_SQL = re.compile(r"'(s3|s3a|gs|https?)://", re.IGNORECASE)
_RETRIES = {"max_retries": 3, "retry_timeout": timedelta(seconds=60)}
_SECONDS = 60  # until a web server that does not answer is given up
_DOWNLOADS = 8  # at the same time
_RAISED = re.compile(r"InputError: (.*?)(?:\n\nAt:|$)", re.DOTALL)  # in DuckDB's message
_RETRIED = re.compile(r" in [\d.]+[mµn]?s(?:, after .*?)?\s+- ")
_WHO_FAILED = re.compile(r"^(?:Generic \w+ error: |Error performing \w+ request: )+")
_XML_MESSAGE = re.compile(r"<Code>(.*?)</Code>.*?<Message>(.*?)</Message>", re.DOTALL)
_NOT_FOUND = re.compile(r"\b(?:404|410)\b")
# Not a status: "in 404.17ms, after 1 retries".
_DURATION = re.compile(r"\d+(?:\.\d+)?(?:ns|µs|ms|s)\b")
_NO_CREDENTIALS = re.compile(r"\b(?:401|403)\b|169\.254\.169\.254|metadata\.google\.internal")
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_ADVICE = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY of a user who may list and read it",
    "gs": "Set GOOGLE_APPLICATION_CREDENTIALS to the key file of an account that may read it",
    "http": "Check the password or token in the environment",
}


def is_remote(place: str, source: str | Path) -> bool:
    """Return whether a source is a URL of an object store or of the web.

    Raises
    ------
    InputError
        When it is a URL of another kind.
    """
    if not isinstance(source, str) or not (other := _ANY_URL.match(source)):
        return False
    if _URL.match(source):
        return True
    raise InputError(
        f"{place}: cannot read {other[1]}:// here. Name a file, s3://, gs:// or https://; a"
        " database needs a table with select and database; load anything else with dlt."
    )


@contextlib.contextmanager
def downloaded(place: str, source: str) -> Iterator[list[str]]:
    """Download the files that a URL or pattern names to a temporary folder; yield their paths.

    In the block, errors about the files name their URLs.

    Parameters
    ----------
    place
        Table and source for messages.
    source
        The URL; it may refer to secrets (`lydite.environment`). In an object store, the path may be
        a pattern.

    Raises
    ------
    InputError
        When a file cannot be found or read.
    """
    with tempfile.TemporaryDirectory(prefix="lydite_") as folder:
        files = _download_explained(place, source, Path(folder))
        try:
            yield list(files)
        except InputError as error:
            message = str(error)
        else:
            return
        for file, origin in files.items():
            message = message.replace(file, origin)
        raise InputError(hide(message, source))


def _download_explained(place: str, source: str, folder: Path) -> dict[str, str]:
    try:
        return _download(place, source, expand(source, place), folder)
    except _errors() as error:
        problem = _explain(place, source, error)
    raise problem  # outside of the except block: tracebacks show no secrets


def _download(place: str, source: str, url: str, folder: Path) -> dict[str, str]:
    """Return the local path and the URL, without secrets, of each file."""
    if url.lower().startswith("http"):
        name = unquote(urlsplit(url).path).rpartition("/")[2] or "index"
        path = folder / "0" / name
        path.parent.mkdir()
        with path.open("wb") as file:
            _fetch(url, file)
        return {str(path): mask(source)}
    store, bucket, pattern = _open_store(place, url)
    keys = _find_keys(store, pattern)
    if not keys:
        raise InputError(
            f"{place}: no object matches. Correct the pattern; '*' matches within a folder, '**/'"
            " subfolders too."
        )
    paths = [folder / str(i) / key.rpartition("/")[2] for i, key in enumerate(keys)]
    with ThreadPoolExecutor(_DOWNLOADS) as pool:
        list(pool.map(lambda pair: _copy_object(store, *pair), zip(keys, paths, strict=True)))
    return {str(path): f"{bucket}/{key}" for key, path in zip(keys, paths, strict=True)}


def _find_keys(store: Any, pattern: str) -> list[str]:  # noqa: ANN401 - obstore is imported late
    """Return the keys of a store that match a pattern, sorted."""
    if not glob.has_magic(pattern):
        return [pattern]
    parts = pattern.split("/")
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    prefix = "".join(f"{part}/" for part in parts[:fixed])
    matches = re.compile(_import("fsspec.utils").glob_translate(pattern)).match
    listed = _import("obstore").list(store, prefix=prefix or None)
    return sorted(item["path"] for batch in listed for item in batch if matches(item["path"]))


def _copy_object(store: Any, key: str, path: Path) -> None:  # noqa: ANN401
    path.parent.mkdir()
    with path.open("wb") as file:
        for chunk in _import("obstore").get(store, key):
            file.write(chunk)


def _open_store(place: str, url: str) -> tuple[Any, str, str]:
    """Return the store of a URL, its bucket as URL, and the rest of the path."""
    scheme, _, path = url.partition("://")
    scheme = scheme.lower()
    bucket, _, key = path.partition("/")
    if not bucket or not key:
        raise InputError(f"{place}: the URL needs a bucket and a path: {scheme}://bucket/*.parquet")
    store = _import("obstore.store").from_url(
        f"{scheme}://{bucket}",
        config=_keys_in_files(place) if scheme.startswith("s3") else {},
        retry_config=_RETRIES,
    )
    return store, f"{scheme}://{bucket}", key


def _keys_in_files(place: str) -> dict[str, str]:
    """Return the keys of S3 that are in files, such as the one that ..._KEY_FILE names."""
    files = {name: os.environ.get(f"{name}_FILE") for name in _KEYS}
    return {
        name.lower(): expand(f"file:{path}", place, secret=True)
        for name, path in files.items()
        if path and not os.environ.get(name)
    }


def _fetch(url: str, file: IO[bytes]) -> None:
    """Copy what a web server sends to a file.

    Raises
    ------
    OSError
        When it cannot be fetched completely.
    """
    parts = urlsplit(url)
    request = urllib.request.Request(  # noqa: S310 - https, or http, which the caller checked
        parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
    )
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        encoded = base64.b64encode(login.encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {encoded}")  # to no other host
    with urllib.request.urlopen(request, timeout=_SECONDS) as response:  # noqa: S310
        shutil.copyfileobj(response, file)
        expected = response.headers.get("Content-Length")
    if expected is not None and file.tell() != int(expected):
        raise OSError(f"the transfer ended after {file.tell()} of {expected} bytes")


# --- for selects --------------------------------------------------------------------------------


@contextlib.contextmanager
def readable(engine: DuckDBEngine, place: str, select: str) -> Iterator[None]:
    """Let DuckDB read the URLs in a select within a ``with`` block."""
    schemes = {scheme.lower() for scheme in _URL_IN_SQL.findall(select)}
    with contextlib.ExitStack() as stack:
        for scheme in sorted(schemes):
            if not (scheme.startswith("http") and _load_httpfs(engine)):
                filesystem = _explained(place, scheme, partial(_filesystem, stack))
                engine.connection.register_filesystem(filesystem)
                stack.callback(engine.connection.unregister_filesystem, scheme)
        yield


def _load_httpfs(engine: DuckDBEngine) -> bool:
    """Load DuckDB's extension for web servers, if it is installed; nothing is downloaded."""
    try:
        engine.run("load httpfs")
    except duckdb.Error:
        return False
    return True


def _filesystem(stack: contextlib.ExitStack, place: str, name: str) -> Any:  # noqa: ANN401
    """Return a file system of fsspec, which is imported late, from which DuckDB reads."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="lydite_")))
    sizes: dict[str, int] = {}
    lock = Lock()  # DuckDB opens files in several threads

    class FileSystem(_import("fsspec").AbstractFileSystem):  # type: ignore[misc]
        protocol = name
        cachable = False  # by fsspec, for the whole process

        def glob(self, path: str, **_: object) -> list[str]:
            return _explained(place, path, _find_urls)

        def open(self, path: str, mode: str = "rb", **_: object) -> IO[bytes]:
            if mode != "rb":
                raise PermissionError(f"{path} is only read")
            with lock:
                file = stack.enter_context(_explained(place, path, partial(_open_url, folder)))
            sizes[path] = file.seek(0, 2)
            file.seek(0)
            return file

        def size(self, path: str) -> int:
            if path not in sizes:
                self.open(path)
            return sizes[path]

        def modified(self, path: str) -> datetime:
            del path
            return datetime.now(UTC)  # nothing is cached by the time of a file

    return FileSystem()


def _explained(place: str, url: str, action: Callable[[str, str], T]) -> T:
    """Return the result of an action on a URL; its errors say what to do."""
    try:
        return action(place, url)
    except _errors() as error:
        problem = _explain(f"{place}: {mask(url)}", url, error)
    raise problem


def _find_urls(place: str, url: str) -> list[str]:
    if url.startswith("http"):
        return [url]
    store, bucket, pattern = _open_store(place, url)
    return [f"{bucket}/{key}" for key in _find_keys(store, pattern)]


def _open_url(folder: Path, place: str, url: str) -> IO[bytes]:
    """Open an object, or a file of the web, which is copied to a folder first."""
    if not url.startswith("http"):
        store, _bucket, key = _open_store(place, url)
        return cast("IO[bytes]", _Reader(_import("obstore").open_reader(store, key)))
    path = folder / quote(url, safe="")[-200:]
    if not path.exists():
        with path.open("wb") as file:
            _fetch(url, file)
    return path.open("rb")


class _Reader(io.RawIOBase):
    """An object of a store as a file that DuckDB reads: it wants `bytes`."""

    def __init__(self, reader: Any) -> None:  # noqa: ANN401 - of obstore
        self._reader = reader

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._reader.seek(offset, whence))

    def read(self, size: int | None = -1) -> bytes:
        return bytes(self._reader.read(None if size == -1 else size))


def message_in(error: duckdb.Error) -> str | None:
    """Return the message of an error that a file system raised while DuckDB read from it."""
    found = _RAISED.search(str(error))
    return None if found is None else found[1].strip()


# --- messages -----------------------------------------------------------------------------------


def _import(name: str) -> Any:  # noqa: ANN401
    """Return a module of the extra `remote`, which is imported late."""
    return importlib.import_module(name)


def _errors() -> tuple[type[Exception], ...]:
    """Return the errors of object stores and web servers."""
    obstore = sys.modules.get("obstore.exceptions")
    more = () if obstore is None else (obstore.BaseError,)
    return OSError, ValueError, ImportError, http.client.HTTPException, *more


def _explain(place: str, source: str, error: Exception) -> InputError:
    """Return the error that says why a source cannot be read and what to do, without secrets."""
    if isinstance(error, ImportError):
        return InputError(f"{place}: needs more packages: pip install 'lydite[remote]'")
    text, found = _short_message(error), _DURATION.sub("", str(error))
    scheme = source[:2].lower() if source[:2].lower() in _ADVICE else "http"
    if isinstance(error, FileNotFoundError) or _NOT_FOUND.search(found):
        advice = "Correct the name, or write the file again if it has vanished"
    elif _NO_CREDENTIALS.search(found):
        advice = f"{_ADVICE[scheme]}, in the environment"
    else:
        advice = "Check the host and the network, then load it again"
    return InputError(hide(f"{place}: cannot be read: {text}. {advice}.", source))


def _short_message(error: Exception) -> str:
    """Return an error of a store or a web server in one line."""
    text = str(error)
    if isinstance(error, http.client.IncompleteRead):
        text = "the transfer ended early"
    xml = _XML_MESSAGE.search(text)
    if xml is not None:
        return f"{xml[1]}: {xml[2].rstrip('.')}"
    if isinstance(error, urllib.error.URLError) and not isinstance(error, urllib.error.HTTPError):
        text = f"no connection: {error.reason}"
    text = _WHO_FAILED.sub("", text.partition("\n\nDebug source")[0])
    return re.sub(r"\s+", " ", _RETRIED.sub(": ", text)).strip(" .:")
