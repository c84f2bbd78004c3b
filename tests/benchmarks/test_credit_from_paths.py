"""The benchmark of credit from a path table: what it times is `lydite.credit` and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import credit_from_paths as benchmark
from benchmarks.data import path_table
from lydite.attribution import path_credit
from lydite.models import DEFAULT_MODELS, make_models

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def file(tmp_path_factory) -> str:
    return str(path_table(60, folder=tmp_path_factory.mktemp("data")))


@pytest.mark.parametrize("intervals", [True, False])
def test_the_parts_add_up_to_the_whole(file, intervals):
    found = benchmark.ours(file, ["linear", "markov_2", "shapley"], intervals)
    for clock in ("", "_cpu"):
        parts = ("seconds", "sql", "fit", "read", "expand", "draw", "replicates", "point")
        own = {part: found[f"{part}{clock}"] for part in parts}
        assert own["sql"] == pytest.approx(own["read"] + own["expand"])
        assert own["fit"] == pytest.approx(own["point"] + own["draw"] + own["replicates"])
        assert own["seconds"] == pytest.approx(own["sql"] + own["fit"])
        assert own["point"] > 0


def test_the_timed_credit_is_the_credit_of_the_library(file, monkeypatch):
    models = ["first_touch", "markov_1"]
    results = []
    credit = benchmark.lydite.credit

    def kept(*args, **options):
        results.append(credit(*args, **options))
        return results[-1]

    monkeypatch.setattr(benchmark.lydite, "credit", kept, raising=False)
    for intervals in (True, False):
        benchmark.ours(file, models, intervals)
    expected = credit(file, models=models).table
    with_intervals, without = (result.table for result in results)
    assert with_intervals.equals(expected)
    own = ["model", "channel", "conversions", "value", "share"]
    assert without.select(own).equals(expected.select(own))
    assert without["conversions_high"].isna().all()


def test_without_intervals_nothing_is_drawn(file, monkeypatch):
    def refuse(*_args):
        raise AssertionError

    monkeypatch.setattr(path_credit, "draw_journeys", refuse)
    monkeypatch.setattr(path_credit, "credit_replicates", refuse)
    benchmark.ours(file, ["markov_1"], intervals=False)
    with pytest.raises(AssertionError):
        benchmark.ours(file, ["markov_1"], intervals=True)


def test_every_run_of_the_plan_occurs_once():
    runs = benchmark.FULL.runs
    assert len(set(map(str, runs))) == len(runs)
    assert {run.models for run in runs} == set(benchmark.SETS)
    assert {run.factor for run in runs} == {1, 10, 100, 1_000}
    assert {run.paths for run in runs} == {10_000, 30_000, 100_000}


def test_the_sets_hold_no_model_that_needs_a_clock():
    everything = benchmark.SETS["all without a clock"]
    assert set(everything) > {*benchmark.RULES, *benchmark.LEARNT}
    assert not {"time_decay", "time_decay_fitted", "additive_hazard"} & set(everything)


def test_a_quick_run_completes(tmp_path):
    command = [sys.executable, "-m", "benchmarks.credit_from_paths", "--quick", "--repeats", "1"]
    done = subprocess.run(
        [*command, "--results", str(tmp_path)], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    result = json.loads((tmp_path / "credit_from_paths.json").read_text())
    section = benchmark.section(result)
    assert section in done.stdout.decode()
    assert result["data"]["paths"] == 300
    assert [(run["paths"], run["intervals"]) for run in result["runs"]] == [
        (300, False), (300, True), (100, True),
    ]  # fmt: skip
    assert all(run["figures"]["peak_mb"]["min"] > 0 for run in result["runs"])


def test_models_with_a_clock_are_those_that_need_times():
    needing = {model.name for model in make_models(DEFAULT_MODELS) if model.needs_clock}
    assert needing == set(benchmark.CLOCK)
