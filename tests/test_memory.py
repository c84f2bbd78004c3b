"""Freed memory is kept, so that arrays of the same size are not cleared by the system again."""

from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

from lydite.memory import keep_freed_memory

FAULTS = """
import resource, sys
import numpy as np
from lydite.memory import keep_freed_memory
if sys.argv[1] == "keep":
    keep_freed_memory()
for _ in range(50):
    parts = [np.ones(500_000) for _ in range(8)]
    del parts
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
"""


def faults(how: str) -> int:
    result = subprocess.run(
        [sys.executable, "-c", FAULTS, how], capture_output=True, text=True, check=True
    )
    return int(result.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc")
def test_memory_of_arrays_is_used_again():
    assert faults("keep") < 0.5 * faults("as it is")


def test_other_libraries_are_left_alone(monkeypatch):
    def refuse(name):
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    keep_freed_memory()
