"""Tests of the benchmark of other packages: exact answers, distances, and a run with stand-ins."""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import json
import sys
from math import factorial
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl
import pytest

from benchmarks import measure, report
from benchmarks import peers as benchmark
from benchmarks.data import journey_table
from benchmarks.peer_tools import HEURISTICS, PEERS, RUNNER, SHAPLEY, UnavailableError

STAND_IN = Path(__file__).parents[1] / "helpers" / "peer_stand_in.py"


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def file(cache) -> Path:
    return journey_table(4_000, folder=cache)


@pytest.fixture(scope="module")
def reference(file) -> benchmark.Shares:
    return benchmark.exact(file)


def journeys(file: Path) -> list[tuple[list[str], int, int]]:
    table = pl.read_parquet(file).select("path", "conversions", "nulls")
    return [(path.split(" > "), won, lost) for path, won, lost in table.iter_rows()]


def removal_shares(file: Path, order: int) -> dict[str, float]:
    """Solve the chain of the last `order` touches, channel by channel, with dense matrices."""
    chains = []
    for steps, won, lost in journeys(file):
        states = [tuple(steps[max(0, end - order) : end]) for end in range(1, len(steps) + 1)]
        chains.append((states, won, lost))
    names = [(), *sorted({state for states, *_ in chains for state in states})]
    number = {state: i for i, state in enumerate(names)}
    moves, wins = np.zeros((len(names), len(names))), np.zeros(len(names))
    total = np.zeros(len(names))
    for states, won, lost in chains:
        for before, after in itertools.pairwise([(), *states]):
            moves[number[before], number[after]] += won + lost
            total[number[before]] += won + lost
        wins[number[states[-1]]] += won
        total[number[states[-1]]] += won + lost
    moves, wins = moves / total[:, None], wins / total

    def rate(without: str | None) -> float:
        kept = np.array([without not in state for state in names])
        inside = np.eye(kept.sum()) - moves[np.ix_(kept, kept)]
        return float(np.linalg.solve(inside, wins[kept])[0])

    whole = rate(None)
    effects = {name: 1 - rate(name) / whole for name in {s for state in names for s in state}}
    return {name: effect / sum(effects.values()) for name, effect in effects.items()}


def shapley_shares(file: Path) -> dict[str, float]:
    """Sum over all coalitions what they win by a channel: the definition itself."""
    won = {}
    for steps, conversions, _ in journeys(file):
        won[frozenset(steps)] = won.get(frozenset(steps), 0) + conversions
    channels = sorted(frozenset().union(*won))

    def worth(coalition: frozenset[str]) -> int:
        return sum(conversions for own, conversions in won.items() if own <= coalition)

    worths = {
        frozenset(chosen): worth(frozenset(chosen))
        for size in range(len(channels) + 1)
        for chosen in itertools.combinations(channels, size)
    }
    n, values = len(channels), {}
    for channel in channels:
        values[channel] = sum(
            factorial(len(own)) * factorial(n - len(own) - 1) / factorial(n)
            * (worths[own | {channel}] - worths[own])
            for own in worths
            if channel not in own
        )  # fmt: skip
    return {channel: value / sum(values.values()) for channel, value in values.items()}


@pytest.mark.parametrize("order", [1, 3])
def test_exact_markov_credit_follows_its_definition(file, reference, order):
    assert reference[f"markov_{order}"] == pytest.approx(removal_shares(file, order), abs=1e-9)


def test_exact_shapley_values_follow_their_definition(file, reference):
    assert reference[SHAPLEY] == pytest.approx(shapley_shares(file), abs=1e-12)


def test_exact_heuristics_are_sums(file, reference):
    credit = {name: {} for name in ("first_touch", "last_touch", "linear")}
    for steps, won, _ in journeys(file):
        for name, credited in zip(credit, (steps[:1], steps[-1:], steps), strict=True):
            for step in credited:
                credit[name][step] = credit[name].get(step, 0) + won / len(credited)
    assert max(benchmark.distances(credit, reference).values()) < 1e-9


def test_a_distance_is_the_largest_difference_of_shares_in_points():
    reference = {"linear": {"a": 0.5, "b": 0.5}, "shapley": {"a": 1.0}}
    credit = {"linear": {"a": 30.0, "b": 60.0, "c": 10.0}, "shapley": {"a": 0.0}}
    assert benchmark.distances(credit, reference) == {"linear": pytest.approx(20.0)}
    assert benchmark.distances({"shapley": {}}, reference) == {}


def stand_in(name: str, *calls: str) -> benchmark.Peer:
    return dataclasses.replace(PEERS[0], name=name, calls=calls, module=STAND_IN)


_once = measure.once


def once(command):
    """Run peers in new processes, and Lydite in this one, which saves ten starts of Python."""
    if str(RUNNER) in command:
        return _once(command)
    module, function, given = command[-3:]
    figures = getattr(importlib.import_module(module), function)(*json.loads(given))
    return {**figures, "peak_mb": 1.0, "process_seconds": 9.0, "cpu_seconds": 9.0}


@pytest.fixture(scope="module")
def result(cache):
    tools = [
        stand_in("swift", "heuristics", "markov_1", "markov_3", "shapley"),
        stand_in("partial", "heuristics", "slow", "killed"),
        stand_in("absent", "heuristics"),
    ]

    def make(peer, folder):
        if peer.name == "absent":
            raise UnavailableError("cannot be installed: it is not there")
        return Path(sys.executable)

    plan = benchmark.Plan((4_000, 8_000), limit=2)
    with mock.patch.object(measure, "once", once):
        sizes = []
        keep = lambda result: sizes.append(len(result["sizes"]))  # noqa: E731
        result = benchmark.measured(plan, 1, cache, tools, make, keep)
    assert sizes == [1, 2]
    return result


def test_every_call_has_its_figures_and_distances(result):
    small, large = result["sizes"]
    assert small["data"]["all_touches"] == pytest.approx(4_000, rel=0.1)
    assert large["data"]["all_touches"] == pytest.approx(8_000, rel=0.1)
    own = small["peers"]["swift"]["heuristics"]
    assert own["figures"]["seconds"]["min"] > 0
    assert own["distances"] == pytest.approx(dict.fromkeys(own["distances"], 0.0), abs=1e-9)
    assert small["peers"]["swift"]["markov_1"]["distances"]["markov_1"] > 50
    assert small["peers"]["swift"]["shapley"]["distances"] == {}
    for own in small["distances"].values():
        assert own.keys() == set(benchmark.MODELS)
        assert own["linear"] < 1e-9
    by_path, by_all = (small["distances"][name] for name in benchmark.WAYS)
    assert by_all["markov_3"] == pytest.approx(0, abs=1e-9)
    assert by_path["markov_3"] > 0.1
    assert small["ours"]["points"]["replicates"]["max"] == 0
    assert small["ours"]["intervals"]["replicates"]["min"] > 0


def test_failures_have_a_reason_and_slow_calls_are_not_repeated_with_more_touches(result):
    small, large = result["sizes"]
    assert small["peers"]["partial"]["killed"]["failed"] == "was ended by SIGKILL"
    assert small["peers"]["partial"]["slow"]["failed"] == "takes more than 2 s"
    assert large["peers"]["partial"]["slow"]["failed"] == "took too long with fewer touches"
    assert "absent" not in small["peers"]
    assert result["peers"][2]["failed"] == "cannot be installed: it is not there"


def test_the_section_has_all_results(result):
    # As it is read from the file.
    text = benchmark.section(json.loads(json.dumps(result)))
    assert text.startswith("## Credit compared with other packages")
    assert text.count("| lydite, points |") == text.count("| lydite, intervals |") == 2
    row, *_ = (line for line in text.splitlines() if line.startswith("| swift | 0.0"))
    # The quickest of all that have every call is compared with itself.
    assert row.count("1.00×") == 4
    assert text.count("| lydite | ") == text.count("| lydite, global | ") == 2
    # In the tables of times and of distances of both sizes.
    assert text.count("| absent | – | – | – | – |") == 4
    assert "- partial, killed: was ended by SIGKILL." in text
    assert "- partial, slow: took too long with fewer touches." in text
    assert "It cannot be installed: it is not there" in text
    for line in text.splitlines():
        assert line.startswith(("|", "- ")) or len(line) <= 100


def test_the_sum_counts_preparation_once():
    def own(seconds):
        still = dict.fromkeys(("min", "median", "max"), seconds)
        begin = dict.fromkeys(("min", "median", "max"), 5.0)
        return {"figures": {"seconds": still, "begin": begin}}

    calls = {name: own(n) for n, name in enumerate(("heuristics", "markov_1", "markov_3"), 1)}
    assert benchmark._sum(calls) == {"min": 11.0, "median": 11.0, "max": 11.0}
    assert not benchmark._complete(calls | {"markov_3": {"failed": "so"}})
    assert not benchmark._complete({HEURISTICS: own(1)})


def test_a_process_is_the_sum_of_the_calls_and_one_start():
    def own(seconds, process):
        figures = {"seconds": seconds, "begin": 0.5, "process_seconds": process}
        return {
            "figures": {k: dict.fromkeys(("min", "median", "max"), v) for k, v in figures.items()}
        }

    calls = {"heuristics": own(1.0, 4.0), "markov_1": own(2.0, 3.25), "markov_3": own(3.0, 9.0)}
    # One process of the second call takes 0.75 s more than the call.
    assert benchmark._process(calls) == {"min": 7.25, "median": 7.25, "max": 7.25}


def test_the_command_line_stores_and_prints_the_result(monkeypatch, tmp_path, capsys, result):
    asked = []

    def measured(plan, repeats, keep):
        asked.append((plan, repeats))
        keep(result)
        return result

    monkeypatch.setattr(benchmark, "measured", measured)
    benchmark.main(["--quick", "--repeats", "1", "--results", str(tmp_path)])
    benchmark.main(["--touches", "5", "50", "--limit", "7", "--results", str(tmp_path)])
    assert asked == [(benchmark.QUICK, 1), (benchmark.Plan((5, 50), 7), 3)]
    assert [file.name for file in tmp_path.iterdir()] == ["peers.json"]
    assert benchmark.section(result) in capsys.readouterr().out


def test_the_report_has_the_section(result):
    assert benchmark in report.BENCHMARKS
    assert "## Credit compared with other packages" in report.document({"peers": result})
