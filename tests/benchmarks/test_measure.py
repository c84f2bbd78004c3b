"""Tests of measuring time and memory of processes."""

from __future__ import annotations

import itertools
import statistics
import subprocess
import sys
import time

import duckdb
import pytest

from benchmarks import measure

MB = 2**20


def echo(word: str, numbers: list[int]) -> measure.Figures:
    return {word: float(sum(numbers))}


def test_a_function_runs_in_a_new_process_and_returns_its_figures():
    figures = measure.once(measure.call(echo, "total", [1, 2, 4]))
    assert figures.keys() == {"process_seconds", "cpu_seconds", "peak_mb", "total"}
    assert figures["total"] == 7.0


def test_peak_memory_excludes_the_parent_process():
    ballast = bytearray(400 * MB)
    ballast[::4096] = b"x" * len(range(0, len(ballast), 4096))
    small = measure.once([sys.executable, "-c", "pass"])["peak_mb"]
    large = measure.once([sys.executable, "-c", f"b'x' * {150 * MB}"])["peak_mb"]
    assert small < 100
    assert small + 100 < large < 400
    assert ballast[0] == ord("x")


@pytest.mark.parametrize(
    ("printed", "expected"),
    [("", {}), ("done", {}), ("7", {}), ('first\n{"rows": 3}\n', {"rows": 3})],
)
def test_a_command_may_print_figures_on_its_last_line(printed, expected):
    figures = measure.once([sys.executable, "-c", f"print({printed!r}, end='')"])
    for own in ("process_seconds", "cpu_seconds", "peak_mb"):
        del figures[own]
    assert figures == expected


def test_a_command_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError):
        measure.once([sys.executable, "-c", "raise SystemExit(3)"])


def test_the_reference_runs_before_each_command(monkeypatch):
    turns, value = [], itertools.count(1)

    def once(command):
        turns.append(command)
        return {"work": float(next(value))}

    monkeypatch.setattr(measure, "once", once)
    messages = []
    commands = {"least": ["L"], "a": ["A"], "b": ["B"]}
    found = measure.repeated(commands, 3, reference="least", progress=messages.append)
    assert turns == [["L"], ["A"], ["L"], ["B"]] * 3
    assert messages[:2] == ["1/3 a", "1/3 b"]
    assert found["least"]["work"] == {"min": 1.0, "median": 6.0, "max": 11.0}
    assert found["a"]["work"] == {"min": 2.0, "median": 6.0, "max": 10.0}
    assert found["b"]["work"] == {"min": 4.0, "median": 8.0, "max": 12.0}


def test_a_spread_holds_the_median():
    numbers = [5.0, 1.0, 4.0, 2.0]
    assert measure.spread(numbers) == {"min": 1.0, "median": statistics.median(numbers), "max": 5.0}


def test_a_stopwatch_adds_up_by_stage(monkeypatch):
    wall, processor = iter([0.0, 1.0, 10.0, 12.0, 20.0, 24.0]), iter([0.0, 2.0, 2.0, 3.0, 4.0, 9.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(wall))
    monkeypatch.setattr(time, "process_time", lambda: next(processor))
    watch = measure.Stopwatch()
    with watch("read"):
        pass
    with pytest.raises(ZeroDivisionError), watch("fit"):
        _ = 1 / 0
    assert watch.timing("read", max)(3, 8) == 8
    assert watch.seconds == {"read": 5.0, "fit": 2.0, "read_cpu": 7.0, "fit_cpu": 1.0}


def test_a_stage_with_several_threads_counts_once(monkeypatch):
    clock = iter([0.0, 5.0, 7.0, 8.0])
    monkeypatch.setattr(time, "perf_counter", lambda: next(clock))
    watch = measure.Stopwatch()
    first, second = watch("fit"), watch("fit")
    with first:
        second.__enter__()
    second.__exit__(None, None, None)
    with watch("fit"):
        pass
    assert watch.seconds["fit"] == 6.0


def test_the_machine_is_described():
    machine = measure.machine()
    assert machine["cores"] >= 1
    assert machine["cpu"]
    assert machine["versions"].keys() == {"Python", *measure.LIBRARIES}
    assert machine["versions"]["duckdb"] == duckdb.__version__


def test_results_can_be_read_again(tmp_path):
    result = {"runs": [{"seconds": {"median": 0.1}}], "machine": {"cores": 2}}
    file = measure.write("some_work", result, tmp_path / "new")
    assert file.name == "some_work.json"
    assert measure.read(tmp_path / "new") == {"some_work": result}


def test_a_full_run_is_the_default():
    asked = measure.parser("What it is.\n\nMore.").parse_args([])
    assert (asked.quick, asked.repeats, asked.results) == (False, 3, measure.RESULTS)


@pytest.mark.parametrize(("asked", "plan"), [([], "all"), (["--quick"], "some")])
def test_a_benchmark_stores_and_prints_its_result(tmp_path, capsys, asked, plan):
    def measured(plan, repeats):
        return {"plan": plan, "rounds": repeats}

    def section(result):
        return f"{result['plan']}, {result['rounds']} rounds"

    arguments = [*asked, "--repeats", "2", "--results", str(tmp_path)]
    measure.perform("work", "About it.", ("all", "some"), measured, section, arguments)
    assert capsys.readouterr().out == f"{plan}, 2 rounds\n"
    assert measure.read(tmp_path) == {"work": {"plan": plan, "rounds": 2}}
