"""Compiled loops: they do what Python does, and let other threads run meanwhile."""

from __future__ import annotations

import threading

import numba
import numpy as np

from lydite.paths.compiled import compiled


@compiled
def total(values: np.ndarray) -> float:
    result = 0.0
    for value in values:
        result += value
    return result


@compiled
def turn_until(flag: np.ndarray, turns: np.ndarray) -> None:
    while flag[0] == 0:  # what is written might be the flag, so that it is read at every turn
        turns[0] += 1


def test_a_compiled_loop_does_what_python_does():
    values = np.arange(10.0)
    assert total(values) == total.py_func(values) == 45


def test_other_threads_run_beside_a_compiled_loop():
    turn_until(np.ones(1), np.zeros(1))  # compiled by now
    flag, turns = np.zeros(1), np.zeros(1)
    turning = threading.Thread(target=turn_until, args=(flag, turns))
    turning.start()
    while turns[0] == 0:
        pass
    flag[0] = 1.0
    turning.join()
    assert turns[0] > 0


def test_where_no_machine_code_can_be_kept_it_is_compiled_anew(monkeypatch):
    jit = numba.njit

    def without_a_place(*args, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return jit(*args, **options)

    monkeypatch.setattr(numba, "njit", without_a_place)
    assert compiled(total.py_func)(np.arange(3.0)) == 3
