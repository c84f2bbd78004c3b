"""Checks of a deployment: settings, files, disk, versions and the last run; nothing is changed."""

from __future__ import annotations

import os
import platform
import shutil
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import duckdb

from lydite.decisions.log import read_log
from lydite.errors import LyditeError
from lydite.pipeline.runs import lydite_version
from lydite.publishing import open_published
from lydite.settings import DatabaseSource, Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Status: TypeAlias = Literal["ok", "warning", "error"]
_PACKAGES = ("duckdb", "polars", "pandas", "numpy", "scikit-learn", "dagster", "pyspark")
#: A run copies the warehouse's results, and DuckDB spills to disk.
_FREE_PER_WAREHOUSE, _LEAST_FREE = 2, 1e9
_LEAST_MEMORY = 2e9
_STALE_SECONDS = 3600


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
        _sources,
        _folders,
        _disk,
        _memory,
        _warehouse,
        _published,
        _leftovers,
        _decisions,
    ):
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


def _sources(settings: Settings, folder: Path) -> Iterator[Condition]:
    """Check that local files of the sources exist; databases and stores are not contacted."""
    for table, source in settings.sources.present().items():
        file = source.select if isinstance(source, DatabaseSource) else source
        if "://" in file:
            continue
        is_pattern = any(mark in file for mark in "*?[")
        there = any(folder.glob(file)) if is_pattern else (folder / file).exists()
        if not there:
            text = f"{table}: there is no file {file}"
            yield Condition("sources", "error", text, f"correct sources.{table}, or add the file")
            return
    yield Condition("sources", "ok", ", ".join(settings.sources.present()))


def _folders(settings: Settings, folder: Path) -> Iterator[Condition]:
    """Check that results can be written."""
    storage = settings.storage
    for file in (storage.warehouse, storage.published, storage.report):
        target = _existing_parent(folder / file)
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
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    text = f"{memory / 1e9:.1f} GB, {os.cpu_count()} cores"
    if memory < _LEAST_MEMORY:
        yield Condition("memory", "warning", text, "set engine.memory_limit, or use more memory")
    else:
        yield Condition("memory", "ok", text)


def _warehouse(settings: Settings, folder: Path) -> Iterator[Condition]:
    path = folder / settings.storage.warehouse
    if not path.exists():
        yield Condition("warehouse", "ok", "there is none yet: the first run creates it")
        return
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error as error:
        if "lock" in str(error).lower():
            yield Condition("warehouse", "ok", f"{path} is in use: a run is in progress")
            return
        fix = "restore it from a backup, or remove it: without it, all scores are computed again"
        yield Condition("warehouse", "error", f"{path} cannot be opened: {error}", fix)
        return
    yield Condition("warehouse", "ok", f"{path} can be opened")


def _published(settings: Settings, folder: Path) -> Iterator[Condition]:
    """Check that readers can open the published file, and when its run was."""
    path = folder / settings.storage.published
    if not path.exists():
        fix = "run the job refresh, and look for its error"
        yield Condition("published", "warning", "nothing has been published yet", fix)
        return
    try:
        with open_published(path) as reader:
            row = reader.execute(
                "select run_id, finished_at, lydite_version from mart.runs"
                " order by finished_at desc limit 1"
            ).fetchone()
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


_CHECKS: tuple[Callable[[Settings, Path], Iterator[Condition]], ...] = (
    _sources, _folders, _disk, _memory, _warehouse, _published, _leftovers, _decisions,
)  # fmt: skip
