"""What the sensor of new data looks at: local files of the sources, and upstream assets."""

import glob
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import dagster as dg

from lydite.environment import expand
from lydite.project import Project
from lydite.settings import DatabaseSource

#: The files that a `.sql` source reads.
_IN_SQL = re.compile(
    r"'([^'\n]+\.(?:parquet|csv|(?:nd)?json|jsonl)(?:\.gz|\.zst)?)'", re.IGNORECASE
)


def local_files(project: Project) -> list[Path]:
    """Return the local files that the input tables are read from, sorted; patterns are expanded."""
    return sorted({file for pattern in _patterns(project) for file in _matches(project, pattern)})


def _patterns(project: Project) -> Iterator[str]:
    for name, source in project.settings.sources.present().items():
        if isinstance(source, DatabaseSource):
            yield source.select
            if not source.is_postgres:
                yield expand(source.database, f"sources.{name}")
            continue
        given = expand(source, f"sources.{name}")
        yield given
        if given.lower().endswith(".sql"):
            for file in _matches(project, given):
                yield from _IN_SQL.findall(file.read_text(encoding="utf-8"))


def _matches(project: Project, pattern: str) -> list[Path]:
    """Return the files of a path or glob; none for objects of a store."""
    if "://" in pattern:
        return []
    whole = str(project.folder / Path(pattern).expanduser())
    found = glob.glob(whole, recursive=True)  # noqa: PTH207 - Path.glob refuses absolute ones
    return [Path(name) for name in found if Path(name).is_file()]


def state_of(
    instance: dg.DagsterInstance, files: Iterable[Path], upstream: Iterable[dg.AssetKey]
) -> str:
    """Return a digest of the sizes and times of files and of the last runs of upstream assets."""
    parts = []
    for file in files:
        about = file.stat()
        parts.append(f"{file} {about.st_size} {about.st_mtime_ns}")
    for key in upstream:
        last = instance.fetch_materializations(key, limit=1).records
        parts.append(f"{key.to_user_string()} {last[0].storage_id if last else None}")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def advance(cursor: str | None, state: str) -> tuple[str, bool]:
    """Return the next cursor of the sensor, and whether to run now.

    A state is run once, and only when two ticks in a row have found it: a file that is being
    written changes from one tick to the next.

    Parameters
    ----------
    cursor
        The state of the last tick and that of the last run; None at first.
    state
        The state of this tick.

    Examples
    --------
    >>> cursor, run = advance(None, "a")
    >>> run
    False
    >>> advance(cursor, "a")
    ('a a', True)
    >>> advance("a a", "a")
    ('a a', False)
    """
    last, _, done = (cursor or " ").partition(" ")
    rests = state == last and state != done
    return f"{state} {state if rests else done}", rests
