"""The runner of peers: what it times and answers, on a stand-in and on the peers that are there."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest

from benchmarks import measure, peers
from benchmarks.data import CACHE, journey_table
from benchmarks.peer_tools import PEERS, RUNNER, environment, is_there

ROOT = Path(__file__).parents[3]
STAND_IN = Path(__file__).parents[2] / "helpers" / "peer_stand_in.py"
#: The largest distance, in percentage points, of what is exact, or simulated so often.
EXACT, SIMULATED = 1e-4, 4.0


@pytest.fixture(scope="module")
def table(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    file = journey_table(4_000, folder=folder)
    pl.read_parquet(file).write_csv(file.with_suffix(".csv"))
    return file


def attempted(call: str, table: Path, python=sys.executable, module=STAND_IN, limit=20):
    answer = table.with_name("answer.json")
    kept = peers.Attempt()
    command = [str(python), "-E", str(RUNNER), str(module)]
    command += [str(table.with_suffix(".csv")), str(answer), call, str(limit), "8"]
    peers.attempt(command, kept, answer, limit)
    return kept


def test_the_call_is_timed_apart_from_what_comes_before_it(table):
    kept = attempted("heuristics", table)
    [run] = kept.runs
    assert kept.failed is None
    assert run["begin"] > 0.04 > run["begin_cpu"]
    assert 0 < run["seconds"] < run["process_seconds"]
    assert run["peak_mb"] > 0
    found = peers.distances(kept.credit, peers.exact(table))
    assert max(found.values()) < EXACT


@pytest.mark.parametrize(
    ("call", "why"),
    [
        ("no_form", "ValueError: cannot read it"),
        ("large", "needs more than 8 GB"),
        ("killed", "was ended by SIGKILL"),
        ("left", "ended with 3"),
        ("unknown", "KeyError: 'unknown'"),
    ],
)
def test_a_call_that_fails_says_why(call, why, table):
    kept = attempted(call, table)
    assert kept.failed == why
    assert not kept.too_slow
    assert kept.result({}) == {"failed": why, "too_slow": False}


def test_a_call_has_a_time_limit(table):
    kept = attempted("slow", table, limit=1)
    assert kept.failed == "takes more than 1 s"
    assert kept.too_slow


def test_a_call_that_failed_is_not_made_again(table, monkeypatch):
    def refuse(_command):
        raise AssertionError

    monkeypatch.setattr(measure, "once", refuse)
    peers.attempt(["nothing"], peers.Attempt(failed="no"), table, 1)


def test_no_peer_finds_what_our_own_environment_holds(table, tmp_path):
    """`measure.once` names our folders in PYTHONPATH, which -E leaves aside."""
    module = tmp_path / "folders.py"
    module.write_text(
        "import sys\n"
        "form = lambda file, call: dict.fromkeys(sys.path, 1)\n"
        "CALLS = {'folders': lambda found: {'found': found}}\n"
    )
    found = attempted("folders", table, module=module).credit["found"]
    assert str(RUNNER.parent) in found
    assert str(ROOT) not in found


@pytest.mark.slow
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_peers_give_what_is_said_of_them(peer, table):
    folder = CACHE / "peers"
    if not is_there(peer, folder):
        pytest.skip(f"{peer.name} is not installed: python -m benchmarks.peers --quick does it")
    python, reference = environment(peer, folder), peers.exact(table)
    found = {}
    for call in peer.calls:
        kept = attempted(call, table, python, peer.module, limit=60)
        assert kept.failed is None
        assert kept.runs[0]["seconds"] > 0
        found |= peers.distances(kept.credit, reference)
    for model in {"first_touch", "last_touch", "linear"} & found.keys():
        assert found[model] < EXACT
    expected = {
        "ChannelAttribution": {"markov_1": SIMULATED, "markov_3": SIMULATED},
        "do-attribution": {"markov_1": EXACT, "markov_3": EXACT},
        "mta": {"shapley": EXACT},
        "pychattr": {"markov_1": SIMULATED, "markov_3": SIMULATED},
    }
    for model, bound in expected.get(peer.name, {}).items():
        assert found[model] < bound
