"""The ledger gives back what was written."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from drawn import weekly

from lydite.engine import DuckDBEngine
from lydite.evaluation.ledger import read_scores, write_scores
from lydite.evaluation.scores import Scores


def scores(seed: int, periods: int = 3, n: int = 700) -> Scores:
    rng = np.random.default_rng(seed)
    result = Scores.empty(periods)
    for period in range(periods):
        result.add(period, rng.integers(0, 256, n), rng.random(n) < 0.2, rng.beta(2, 9, n))
    return result


def same(a: Scores, b: Scores) -> None:
    for field in fields(Scores):
        np.testing.assert_array_equal(getattr(a, field.name), getattr(b, field.name))


@pytest.fixture
def engine():
    with DuckDBEngine() as engine:
        yield engine


def test_what_is_written_is_read_again(engine):
    calendar = weekly(2, 3)
    for outcome, model, seed in [("lead", "a", 1), ("lead", "b", 2), ("purchase", "a", 3)]:
        write_scores(engine, outcome, model, "f", calendar, scores(seed))
    read = read_scores(engine, "lead", calendar)
    assert set(read) == {"a", "b"}
    same(read["a"], scores(1))
    same(read["b"], scores(2))
    same(read_scores(engine, "purchase", calendar)["a"], scores(3))
    assert read_scores(engine, "signup", calendar) == {}


def test_writing_again_replaces_this_model_and_outcome_only(engine):
    calendar = weekly(2, 3)
    for model, seed in [("a", 1), ("b", 2), ("a", 4)]:
        write_scores(engine, "lead", model, "f", calendar, scores(seed))
    read = read_scores(engine, "lead", calendar)
    same(read["a"], scores(4))
    same(read["b"], scores(2))


def test_what_another_calendar_left_behind_is_passed_over(engine):
    """A rival that was dropped keeps its rows; the calendar goes on without it."""
    write_scores(engine, "lead", "dropped", "f", weekly(6, 5), scores(1, 5))
    write_scores(engine, "lead", "a", "f", weekly(2, 3), scores(2))
    read = read_scores(engine, "lead", weekly(2, 3))
    assert set(read) == {"a"}
    same(read["a"], scores(2))
