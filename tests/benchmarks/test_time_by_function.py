"""Time by function: processor time belongs to functions of Lydite, also that of other packages."""

from __future__ import annotations

import subprocess
import sys

import pytest

from benchmarks import time_by_function


def test_work_for_threads_is_done_in_order():
    with time_by_function.InOrder(4) as pool:
        assert list(pool.map(lambda a, b: a + b, [1, 2], [3, 4])) == [4, 6]
        failed = pool.submit(lambda: 1 / 0)
        assert pool.submit(abs, -3).result() == 3
    with pytest.raises(ZeroDivisionError):
        failed.result()


def test_the_report_has_shares_of_the_total():
    sampler = time_by_function.Sampler()
    sampler.inside, sampler.own = ({("lydite/a.py", "f"): 2.0} for _ in range(2))
    text = time_by_function.report(sampler, 4.0)
    assert text.startswith("4.0 s of processor time.")
    assert text.count("| `f` in lydite/a.py | 2.00 s | 50% |") == 2


def test_a_command_is_timed(tmp_path):
    arguments = ["simulate", "--world", "linear", "--users", "2000", "--out", str(tmp_path / "w")]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.time_by_function", *arguments, "--quiet"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "`simulate` in lydite/" in done.stdout
