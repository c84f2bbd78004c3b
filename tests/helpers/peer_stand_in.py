"""Calls of a stand-in for another package: some work, and the others fail in different ways."""

from __future__ import annotations

import csv
import os
import signal
import time
from pathlib import Path

HEURISTICS = ("first_touch", "last_touch", "linear")


def form(file: str, call: str) -> list[tuple[list[str], float]]:
    if call == "no_form":
        raise ValueError("cannot\nread it")
    with Path(file).open() as lines:
        return [
            (row["path"].split(" > "), float(row["conversions"])) for row in csv.DictReader(lines)
        ]


def begin(table):
    time.sleep(0.05)
    return table


def heuristics(table):
    credit = {name: {} for name in HEURISTICS}
    for steps, conversions in table:
        for name, credited in zip(HEURISTICS, (steps[:1], steps[-1:], steps), strict=True):
            for step in credited:
                own = credit[name]
                own[step] = own.get(step, 0.0) + conversions / len(credited)
    return credit


def wrong(table):
    return {"markov_1": {"search": 1.0}}


def empty(table):
    return {"shapley": {}}


def slow(table):
    time.sleep(60)


def large(table):
    return bytearray(64 * 1024**3)


def killed(table):
    os.kill(os.getpid(), signal.SIGKILL)


def left(table):
    os._exit(3)


CALLS = {
    "heuristics": heuristics,
    "markov_1": wrong,
    "markov_3": lambda table: {"markov_3": {"search": 1.0}},
    "shapley": empty,
    "no_form": heuristics,
    "slow": slow,
    "large": large,
    "killed": killed,
    "left": left,
}
