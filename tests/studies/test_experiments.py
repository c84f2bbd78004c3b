"""The study of experiments: its simulations, its rows and its table."""

from __future__ import annotations

import numpy as np
import pytest

from studies import experiments
from studies.experiments import KINDS, run, table

pytest.importorskip("tea_tasting")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_simulates_an_experiment(kind, monkeypatch):
    monkeypatch.setattr(experiments, "PER_RUN", 2)
    [row] = run(kind, 1)
    assert (row["kind"], row["seed"], row["experiments"]) == (kind, 1, 2)
    assert 0 <= row["found"] <= 2


def test_a_seed_gives_the_same_result(monkeypatch):
    monkeypatch.setattr(experiments, "PER_RUN", 5)
    assert run("values", 3) == run("values", 3)


def test_a_run_counts_what_was_found(monkeypatch):
    monkeypatch.setitem(KINDS, "rates", ("", "", lambda rng: bool(rng.random() < 0.3)))
    [row] = run("rates", 1)
    assert row["found"] == np.sum(np.random.default_rng([0, 1]).random(100) < 0.3)


def test_the_table_has_shares_with_intervals_and_only_what_was_run():
    rows = [{"kind": "rates", "experiments": 100, "found": n} for n in (4, 6)]
    lines = table(rows).splitlines()
    assert len(lines) == 3
    assert lines[2] == "| rates of two equal arms | at most 5 % | 5.0% | 2.7% to 9.0% | 200 |"


@pytest.mark.slow
@pytest.mark.parametrize(
    "kind", [kind for kind, (_, promised, _) in KINDS.items() if promised == "at most 5 %"]
)
def test_errors_are_as_promised(kind):
    found = sum(run(kind, seed)[0]["found"] for seed in range(20))
    assert found <= 2_000 * 0.05 + 3.1 * np.sqrt(2_000 * 0.05 * 0.95)
