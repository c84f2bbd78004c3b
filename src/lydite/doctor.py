"""Checks of a deployment: settings, files, disk, versions and the last run; nothing is changed."""

from __future__ import annotations

import os
import platform
import re
import shutil
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import duckdb

from lydite.decisions.log import read_log
from lydite.engine.duckdb import first_row
from lydite.environment import expand, references
from lydite.errors import InputError, LyditeError
from lydite.pipeline import WAREHOUSE_VERSION
from lydite.pipeline.runs import lydite_version
from lydite.publishing import open_published
from lydite.settings import DatabaseSource, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

Status: TypeAlias = Literal["ok", "warning", "error"]
_PACKAGES = ("duckdb", "polars", "pandas", "numpy", "scikit-learn", "dagster", "pyspark")
#: A run copies the warehouse's results, and DuckDB spills to disk.
_FREE_PER_WAREHOUSE, _LEAST_FREE = 2, 1e9
_LEAST_MEMORY = 2e9
_STALE_SECONDS = 3600
_CONTAINER_MEMORY = Path("/sys/fs/cgroup/memory.max")


@dataclass(frozen=True)
class Condition:
    """What one check found.

    Attributes
    ----------
    name
        What was checked.
    status
        ``"ok"``, ``"warning"``, or ``"error"`` if runs or readers fail.
    text
        What was found.
    fix
        What to do; empty where all is well.
    """

    name: str
    status: Status
    text: str
    fix: str = ""


def examine(settings_file: str | Path = "lydite.toml") -> list[Condition]:
    """Check a deployment.

    Parameters
    ----------
    settings_file
        The settings of the project; relative paths in it count from its folder.

    Returns
    -------
    list of Condition
        In the order of the checks. If the settings cannot be read, the rest is not checked.
    """
    path = Path(settings_file)
    found = [Condition("versions", "ok", _versions())]
    try:
        settings = load_settings(path)
    except LyditeError as error:
        return [*found, Condition("settings", "error", str(error), "correct the settings")]
    found.append(Condition("settings", "ok", str(path)))
    folder = path.resolve().parent
    for check in (
        _secrets, _sources, _folders, _disk, _memory, _warehouse, _published, _leftovers,
        _decisions,
    ):  # fmt: skip
        found += check(settings, folder)
    return found


def _versions() -> str:
    parts = [f"lydite {lydite_version()}", f"Python {platform.python_version()}"]
    for name in _PACKAGES:
        try:
            parts.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(parts)


def _secrets(settings: Settings, folder: Path) -> Iterator[Condition]:
    """Check that all variables and files that the settings refer to can be read; none is shown."""
    del folder
    found = sorted({name for text in _texts(settings.model_dump()) for name in references(text)})
    for reference in found:
        try:
            expand(reference, reference)
        except InputError as error:
            fix = "set the variable, or mount the file, for the user and service that runs Lydite"
            yield Condition("secrets", "error", str(error), fix)
            return
    yield Condition("secrets", "ok", ", ".join(found) or "the settings refer to none")


def _texts(value: object) -> Iterator[str]:
    """Yield all texts in nested settings."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from _texts(part)


def _sources(settings: Settings, folder: Path) -> Iterator[Condition]:
    """Check that local files of the sources can be read; databases and stores are not contacted."""
    for table, source in settings.sources.present().items():
        file = source.select if isinstance(source, DatabaseSource) else source
        try:
            path = expand(file, table)
        except InputError:  # a finding about secrets
            continue
        if "://" in path:
            continue
        is_pattern = any(mark in path for mark in "*?[")
        files = list(folder.glob(path)) if is_pattern else [folder / path]
        if not files or not files[0].exists():
            text = f"{table}: there is no file {file}"
            yield Condition("sources", "error", text, f"correct sources.{table}, or add the file")
            return
        if not all(os.access(one, os.R_OK) for one in files):
            text = f"{table}: {file} cannot be read by this user"
            yield Condition("sources", "error", text, "let the user that runs Lydite read it")
            return
    yield Condition("sources", "ok", ", ".join(settings.sources.present()))


def _folders(settings: Settings, folder: Path) -> Iterator[Condition]:
    """Check that results can be written."""
    storage = settings.storage
    for file in (storage.warehouse, storage.published, storage.report, storage.decisions):
        path = folder / file
        target = path if path.exists() else _existing_parent(path)
        if not os.access(target, os.W_OK):
            fix = "make it writable, or choose another folder in the section [storage]"
            yield Condition("folders", "error", f"{target} is not writable", fix)
            return
    yield Condition("folders", "ok", "results can be written")


def _existing_parent(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.exists())


def _disk(settings: Settings, folder: Path) -> Iterator[Condition]:
    path = folder / settings.storage.warehouse
    size = path.stat().st_size if path.exists() else 0
    free = shutil.disk_usage(_existing_parent(path)).free
    text = f"{free / 1e9:.1f} GB free, the warehouse has {size / 1e9:.1f} GB"
    if free < max(_FREE_PER_WAREHOUSE * size, _LEAST_FREE):
        yield Condition("disk", "warning", text, "free some space: a run may fill the disk")
    else:
        yield Condition("disk", "ok", text)


def _memory(settings: Settings, folder: Path) -> Iterator[Condition]:
    del settings, folder
    memory = min(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), _container_memory())
    text = f"{memory / 1e9:.1f} GB, {os.cpu_count()} cores"
    if memory < _LEAST_MEMORY:
        yield Condition("memory", "warning", text, "set engine.memory_limit, or use more memory")
    else:
        yield Condition("memory", "ok", text)


def _container_memory() -> float:
    """Return the limit of the container, which the system does not say; infinite without one."""
    try:
        return float(_CONTAINER_MEMORY.read_text(encoding="ascii"))
    except (OSError, ValueError):  # no such file, or "max"
        return float("inf")


def _warehouse(settings: Settings, folder: Path) -> Iterator[Condition]:
    """Check that the warehouse can be opened, its version, and that its last run ended well."""
    path = folder / settings.storage.warehouse
    if not path.exists():
        yield Condition("warehouse", "ok", "there is none yet: the first run creates it")
        return
    fix = "restore it from a backup, or remove it: without it, all scores are computed again"
    try:
        with duckdb.connect(str(path), read_only=True) as reader:
            yield _version(reader, path)
            yield _last_run(reader)
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            holder = re.search(r"PID \d+", str(error))
            text = f"{path} is in use: a run is in progress{f' ({holder[0]})' if holder else ''}"
            yield Condition("warehouse", "ok", text)
            return
        yield Condition("warehouse", "error", f"{path} cannot be opened: {error}", fix)


def _version(reader: duckdb.DuckDBPyConnection, path: Path) -> Condition:
    version, writer = 0, "an earlier version"
    if _has(reader, "quality", "warehouse_version"):
        row = first_row(reader, "select version, lydite_version from quality.warehouse_version")
        version, writer = row or (version, writer)
    if version > WAREHOUSE_VERSION:
        text = f"{path} was written by lydite {writer}, which is newer than this one"
        return Condition("warehouse", "error", text, "pip install --upgrade lydite")
    upgrade = "" if version == WAREHOUSE_VERSION else "; the next run upgrades it"
    text = f"{path} can be opened; version {version} of its tables{upgrade}"
    return Condition("warehouse", "ok", text)


def _last_run(reader: duckdb.DuckDBPyConnection) -> Condition:
    if not _has(reader, "evaluation", "last_run"):
        return Condition("last run", "ok", "none has begun yet")
    row = first_row(reader, "select run_id, complete_at from evaluation.last_run")
    if row is None:
        return Condition("last run", "ok", "none has begun yet")
    if row[1] is None:
        text = f"run {row[0]} has begun, and has not published"
        return Condition("last run", "warning", text, "look for its error in Dagster, or run again")
    return Condition("last run", "ok", f"run {row[0]} published at {row[1]:%Y-%m-%d %H:%M} UTC")


def _has(reader: duckdb.DuckDBPyConnection, schema: str, table: str) -> bool:
    found = first_row(
        reader,
        "select count(*) from duckdb_tables() where schema_name = ? and table_name = ?",
        [schema, table],
    )
    return bool(found and found[0])


def _published(settings: Settings, folder: Path) -> Iterator[Condition]:
    """Check that readers can open the published file, and when its run was."""
    path = folder / settings.storage.published
    if not path.exists():
        fix = "run the job refresh, and look for its error"
        yield Condition("published", "warning", "nothing has been published yet", fix)
        return
    try:
        with open_published(path) as reader:
            row = first_row(
                reader,
                "select run_id, finished_at, lydite_version from mart.runs"
                " order by finished_at desc limit 1",
            )
    except (LyditeError, duckdb.Error) as error:
        yield Condition("published", "error", str(error), "run the job refresh")
        return
    if row is None:
        yield Condition("published", "error", f"{path} names no run", "run the job refresh")
        return
    text = f"run {row[0]} of {row[1]:%Y-%m-%d %H:%M} UTC, by lydite {row[2]}"
    yield Condition("published", "ok", text)


def _leftovers(settings: Settings, folder: Path) -> Iterator[Condition]:
    """Check for files of runs that were killed."""
    published, warehouse = folder / settings.storage.published, folder / settings.storage.warehouse
    found = [
        *published.parent.glob(f".{published.stem}*.new*"),
        *warehouse.parent.glob(f"{warehouse.name}.*.scratch*"),
    ]
    now = time.time()
    stale = [str(file) for file in sorted(found) if now - file.stat().st_mtime > _STALE_SECONDS]
    if stale:
        text = f"files of runs that were killed: {', '.join(stale)}"
        yield Condition("leftovers", "warning", text, "remove them")
    else:
        yield Condition("leftovers", "ok", "no files of runs that were killed")


def _decisions(settings: Settings, folder: Path) -> Iterator[Condition]:
    path = folder / settings.storage.decisions
    try:
        decisions = read_log(path)
    except LyditeError as error:
        yield Condition("decisions", "error", str(error), "restore the log from version control")
        return
    yield Condition("decisions", "ok", f"{len(decisions)} decisions in {path.name}")
