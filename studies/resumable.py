"""Long studies: rows kept line by line, what is missing run by processes, tables put into pages."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

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
        except ValueError:  # the line at which a run was broken off
            continue
        found[tuple(row[name] for name in names)].append(row)
    return dict(found)


def append(path: Path, rows: Iterable[Row]) -> None:
    """Append rows by one write, on lines of their own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = not path.exists() or path.read_bytes()[-1:] in {b"", b"\n"}
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    with path.open("a") as file:
        file.write(lines if whole else "\n" + lines)


def run_missing(
    run: Callable[..., list[Row]],
    keys: Iterable[Key],
    done: Collection[Key],
    results: Path,
    jobs: int,
) -> list[Key]:
    """Run what is not done yet, in that order, and append the rows of each as it ends.

    Parameters
    ----------
    run
        A function of a module; takes a key as its arguments.
    keys
        What there is to run.
    done
        What is left out of it.
    results
        The file to append to.
    jobs
        How many processes.

    Returns
    -------
    The keys that failed. Each is reported, and the others go on.
    """
    missing = [key for key in keys if key not in done]
    os.environ.update(dict.fromkeys(_THREADS, "1"))  # processes that are spawned take it from here
    failed: list[Key] = []
    began = time.monotonic()
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn) as pool:
        waiting = {pool.submit(run, *key): key for key in missing}
        for n, future in enumerate(as_completed(waiting), 1):
            key = waiting[future]
            name = " ".join(map(str, key))
            try:
                rows = future.result()
            except Exception as error:  # noqa: BLE001 - the others go on
                failed.append(key)
                print(f"{name}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
                continue
            append(results, rows)
            spent = time.monotonic() - began
            left = spent / n * (len(missing) - n)
            print(
                f"{n}/{len(missing)} {name}, {spent:.0f} s, {left:.0f} s to go",
                file=sys.stderr,
                flush=True,
            )
    return failed


def parser_of(about: str, seeds: int, first_seed: int) -> argparse.ArgumentParser:
    """Return the parser of what every study can be asked for: ``seeds``, ``jobs``, ``write``.

    Parameters
    ----------
    about
        The study's docstring.
    seeds
        So many by default, from `first_seed` on.
    """
    parser = argparse.ArgumentParser(description=about.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=seeds, help=f"so many, from {first_seed} on")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--write", action="store_true", help="write the tables; run nothing")
    return parser


def asked_in_worlds(
    parser: argparse.ArgumentParser, users: int, worlds: Iterable[str]
) -> argparse.Namespace:
    """Return what was asked for, with ``users`` and a list of ``worlds`` beside the rest."""
    known = list(worlds)
    parser.add_argument("--users", type=int, default=users, help="in each world")
    parser.add_argument("--worlds", default=",".join(known), help="names, with commas between")
    asked = parser.parse_args()
    asked.worlds = asked.worlds.split(",")
    unknown = set(asked.worlds) - set(known)
    if unknown:
        parser.error(f"no such world: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return asked


def replace_between(page: Path, study: str, text: str) -> None:
    """Put a text between the marks of a study on a page of Markdown; the rest stays as it is."""
    begin, end = f"<!-- {study}: begin -->", f"<!-- {study}: end -->"
    before, _, rest = page.read_text().partition(begin)
    _, mark, after = rest.partition(end)
    if not mark:
        raise SystemExit(f"{page} lacks the marks {begin} and {end}")
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
