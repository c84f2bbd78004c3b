"""Runs one call of a peer in the peer's own environment: what it took, and the credit it gave.

A script for the Python of any environment. Each other module of this folder has one tool's calls:

- ``form(file, call)`` reads the path table, a CSV file, into the form that the tool takes for a
  call; this is not timed;
- ``CALLS``, by name, each of which takes what ``form`` returned and returns credit by model, under
  its name here, and channel;
- where the tool must do something before any call, ``begin``, which takes what ``form`` returned
  and returns what calls take; it is timed apart.
"""

from __future__ import annotations

import importlib.util
import json
import resource
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from types import ModuleType

    Credit = dict[str, dict[str, float]]


def main(module: str, table: str, answer: str, call: str, limit: str, gigabytes: str) -> None:
    """Make a call, and print its figures as a line of JSON.

    Parameters
    ----------
    module
        The file with the tool's calls.
    table
        The file with the path table.
    answer
        The file that ``{"credit": ...}`` is written to, or ``{"failed": why}``, in which case the
        process returns 1.
    call
        The name of the call.
    limit
        Seconds after which SIGALRM ends the process.
    gigabytes
        What the process may take of memory.
    """
    try:
        bound = int(gigabytes) * 1024**3
        resource.setrlimit(resource.RLIMIT_AS, (bound, bound))
        tool = _loaded(module)
        figures, credit = _timed(tool, tool.form(table, call), call, int(limit))
    except MemoryError:
        _fail(answer, f"needs more than {gigabytes} GB")
    except Exception as error:  # noqa: BLE001
        _fail(answer, f"{type(error).__name__}: {error}")
    else:
        Path(answer).write_text(json.dumps({"credit": credit}))
        print(f"\n{json.dumps(figures)}")


def _loaded(file: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(Path(file).stem, file)
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def _fail(answer: str, why: str) -> None:
    Path(answer).write_text(json.dumps({"failed": " ".join(why.split())}))
    sys.exit(1)


def _timed(
    tool: Any,  # noqa: ANN401
    data: Any,  # noqa: ANN401
    call: str,
    limit: int,
) -> tuple[dict[str, float], Credit]:
    """Begin and call, and return how long both took in wall and in processor time."""
    # The signal itself ends the process: a handler in Python would wait for code in C to return.
    signal.alarm(limit)
    readings = [_now()]
    if hasattr(tool, "begin"):
        data = tool.begin(data)
        readings.append(_now())
    else:
        readings *= 2
    credit = tool.CALLS[call](data)
    readings.append(_now())
    signal.alarm(0)
    taken = [
        after - before for pair in pairwise(readings) for before, after in zip(*pair, strict=True)
    ]
    names = ("begin", "begin_cpu", "seconds", "seconds_cpu")
    return dict(zip(names, taken, strict=True)), _plain(credit)


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _plain(credit: Credit) -> Credit:
    """Return numbers that JSON can hold."""
    return {
        model: {str(channel): float(number) for channel, number in own.items()}
        for model, own in credit.items()
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
