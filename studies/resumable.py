"""Long studies: rows in a JSON Lines file, missing runs in parallel, tables written to the docs."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

Row = dict[str, Any]
Key = tuple[Any, ...]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


def read(path: Path, *names: str) -> dict[Key, list[Row]]:
    """Return the rows of a file by the given columns, in the order in which they were written.

    Parameters
    ----------
    path
        A JSON object on each line; it may be missing.
    names
        The columns that make the key.
    """
    found: dict[Key, list[Row]] = defaultdict(list)
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            row = json.loads(line)
        except ValueError:  # the last line of an interrupted run
            continue
        found[tuple(row[name] for name in names)].append(row)
    return dict(found)


def append(path: Path, rows: Iterable[Row]) -> None:
    """Append rows in one write, one per line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    with path.open("a+b") as file:
        if file.tell():
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                lines = b"\n" + lines
        file.write(lines)


def commit() -> str:
    """Return the commit of the code, marked if files differ from it; "" outside a repository."""
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    try:
        found = subprocess.run(
            command, cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except OSError:
        return ""
    return found.stdout.strip()


def provenance(rows: Iterable[Row], what: str) -> str:
    """Return a sentence about how many rows there are, by the commit that computed them."""
    counts = Counter(row.get("commit") or "unknown" for row in rows)
    parts = [f"{n:,} on commit `{name}`" for name, n in counts.most_common()]
    return f"{counts.total():,} {what}: {', '.join(parts) or 'none was run'}."


def run_missing(
    run: Callable[..., list[Row]],
    keys: Iterable[Key],
    done: Collection[Key],
    results: Path,
    jobs: int,
) -> list[Key]:
    """Run missing keys in order, and append the rows of each, with the commit, when it ends.

    Parameters
    ----------
    run
        A function of a module; takes a key as its arguments.
    keys
        All keys.
    done
        Keys to skip.
    results
        The file to append to.
    jobs
        How many processes.

    Returns
    -------
    The keys that failed. Each is reported; the others continue.
    """
    missing = [key for key in keys if key not in done]
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # inherited by spawned processes
    failed: list[Key] = []
    code = {"commit": commit()}
    began = time.monotonic()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        waiting = {pool.submit(run, *key): key for key in missing}
        for n, future in enumerate(as_completed(waiting), 1):
            key = waiting[future]
            name = " ".join(map(str, key))
            try:
                rows = future.result()
            except Exception as error:  # noqa: BLE001 - the others continue
                failed.append(key)
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                continue
            append(results, [row | code for row in rows])
            spent = time.monotonic() - began
            left = spent / n * (len(missing) - n)
            print(
                f"{n}/{len(missing)} {name}, {spent:.0f} s, {left:.0f} s to go",
                file=sys.stderr,
                flush=True,
            )
    return failed


def parser_of(about: str, seeds: int, first_seed: int) -> argparse.ArgumentParser:
    """Return the parser with the options of every study: ``seeds``, ``jobs``, ``write``.

    Parameters
    ----------
    about
        The study's docstring.
    seeds
        How many by default, from `first_seed` on.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=seeds, help=f"how many, from {first_seed} on")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--write", action="store_true", help="write the tables; run nothing")
    return parser


def parse_with_worlds(
    parser: argparse.ArgumentParser, users: int, worlds: Iterable[str]
) -> argparse.Namespace:
    """Add the options ``users`` and ``worlds``, and parse the command line."""
    known = list(worlds)
    parser.add_argument("--users", type=int, default=users, help="in each world")
    parser.add_argument("--worlds", default=",".join(known), help="names, with commas between")
    options = parser.parse_args()
    options.worlds = options.worlds.split(",")
    unknown = set(options.worlds) - set(known)
    if unknown:
        parser.error(f"no such world: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return options


def replace_between(file: Path, study: str, text: str) -> None:
    """Replace the text between the markers of a study in a Markdown file."""
    begin, end = f"<!-- {study}: begin -->", f"<!-- {study}: end -->"
    before, _, rest = file.read_text().partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise SystemExit(f"{file} lacks the markers {begin} and {end}")
    file.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
