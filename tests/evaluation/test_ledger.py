"""Ledger: first scores never change, and restated scores are stored separately."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.evaluation.backtest import backtest_segments
from lydite.evaluation.ledger import (
    Entry,
    check_columns,
    has_restated_scores,
    pending_entries,
    read_scores,
    score_fingerprint,
    write,
)
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.evaluation.splits import Split
from lydite.models import make_model
from tests.helpers.random_landmarks import draw_landmarks, weekly

NEW = "customer_type = new"
CALENDAR = weekly(2, 3)
EVERY = np.ones(3, dtype=bool)


SPLIT = Split.by_period(draw_landmarks(np.random.default_rng(7), 500), CALENDAR)


def missing(engine, model: str, fingerprint: str) -> list[bool]:
    """Return which periods of a model have no scores yet."""
    [entry] = pending_entries(engine, "lead", {model: fingerprint}, CALENDAR, SPLIT)
    return entry.missing.tolist()


def scores(seed: int, periods: int = 3, n: int = 700) -> dict[str, Scores]:
    rng = np.random.default_rng(seed)
    result = {ALL: Scores.empty(periods), NEW: Scores.empty(periods)}
    for own in result.values():
        for period in range(periods):
            own.add(period, rng.integers(0, 256, n), rng.random(n) < 0.2, rng.beta(2, 9, n))
    return result


def same(a: dict[str, Scores], b: dict[str, Scores]) -> None:
    assert set(a) == set(b)
    for segment, own in a.items():
        for field in fields(Scores):
            np.testing.assert_array_equal(getattr(own, field.name), getattr(b[segment], field.name))


def write_first(engine, outcome, model, fingerprint, calendar, scores, periods) -> None:
    entry = Entry(outcome, model, fingerprint, periods, np.zeros_like(periods), scores)
    write(engine, calendar, [entry])


def restate(engine, outcome, model, fingerprint, calendar, scores, periods) -> None:
    entry = Entry(outcome, model, fingerprint, np.zeros_like(periods), periods, scores)
    write(engine, calendar, [entry])


@pytest.fixture
def engine():
    with DuckDBEngine() as engine:
        yield engine


def test_scores_are_read_as_written_by_model_and_segment(engine):
    for outcome, model, seed in [("lead", "a", 1), ("lead", "b", 2), ("purchase", "a", 3)]:
        write_first(engine, outcome, model, "f", CALENDAR, scores(seed), EVERY)
    both = {"a": "f", "b": "f"}
    read = read_scores(engine, "lead", both, CALENDAR)
    assert set(read) == {"a", "b"}
    same(read["a"], scores(1))
    same(read["b"], scores(2))
    same(read_scores(engine, "purchase", both, CALENDAR)["a"], scores(3))
    assert set(read_scores(engine, "lead", both, CALENDAR, segment=NEW)["a"]) == {NEW}
    assert read_scores(engine, "signup", both, CALENDAR) == {}


def test_writing_all_at_once_equals_writing_one_by_one():
    other = ~np.array([True, False, True])
    entries = [
        Entry("lead", "a", "f", EVERY, ~EVERY, scores(1)),
        Entry("lead", "b", "f", other, ~other, scores(2)),
        Entry("lead", "c", "f", ~EVERY, ~EVERY),
    ]
    with DuckDBEngine() as together, DuckDBEngine() as apart:
        write(together, CALENDAR, entries)
        for entry in entries:
            write(apart, CALENDAR, [entry])
        for name in ("scores", "forecasts", "restated_scores", "restated_forecasts"):
            found, expected = (one.frame(f"from ledger.{name}") for one in (together, apart))
            assert len(found) > 0
            assert found.equals(expected)


def test_a_ledger_without_any_table_is_empty(engine):
    assert read_scores(engine, "lead", {"a": "f"}, CALENDAR) == {}
    assert all(missing(engine, "a", "f"))
    assert not has_restated_scores(engine, "lead", {"a": "f"})


def test_only_the_given_periods_are_written(engine):
    first = np.array([True, True, False])
    write_first(engine, "lead", "a", "f", CALENDAR, scores(1), first)
    assert missing(engine, "a", "f") == [False, False, True]
    write_first(engine, "lead", "a", "f", CALENDAR, scores(1), ~first)
    same(read_scores(engine, "lead", {"a": "f"}, CALENDAR)["a"], scores(1))


def test_another_fingerprint_starts_without_scores(engine):
    write_first(engine, "lead", "a", "old", CALENDAR, scores(1), EVERY)
    assert all(missing(engine, "a", "new"))
    write_first(engine, "lead", "a", "new", CALENDAR, scores(2), EVERY)
    same(read_scores(engine, "lead", {"a": "new"}, CALENDAR)["a"], scores(2))
    same(read_scores(engine, "lead", {"a": "old"}, CALENDAR)["a"], scores(1))


def test_the_fingerprint_depends_on_model_lookback_and_period():
    day = replace(CALENDAR, period="day")
    longer = replace(CALENDAR, lookback=CALENDAR.lookback * 2)
    later = replace(CALENDAR, starts=CALENDAR.starts[1:])
    found = {score_fingerprint("f", own) for own in (CALENDAR, day, longer)} | {
        score_fingerprint("g", CALENDAR)
    }
    assert len(found) == 4
    assert score_fingerprint("f", later) == score_fingerprint("f", CALENDAR)


def test_restated_scores_are_stored_separately(engine):
    write_first(engine, "lead", "a", "f", CALENDAR, scores(1), EVERY)
    second = np.array([False, True, False])
    for seed in (5, 2):  # the last restatement counts
        restate(engine, "lead", "a", "f", CALENDAR, scores(seed), second)
    same(read_scores(engine, "lead", {"a": "f"}, CALENDAR)["a"], scores(1))
    again = read_scores(engine, "lead", {"a": "f"}, CALENDAR, restated=True)["a"]
    for segment in (ALL, NEW):
        for name in ("log_loss", "grid_forecast"):
            first, other = getattr(scores(1)[segment], name), getattr(scores(2)[segment], name)
            found = getattr(again[segment], name)
            np.testing.assert_array_equal(found[[0, 2]], first[[0, 2]])
            np.testing.assert_array_equal(found[1], other[1])
    assert has_restated_scores(engine, "lead", {"a": "f", "b": "f"})
    assert not has_restated_scores(engine, "purchase", {"a": "f"})
    # Restated scores with another fingerprint are ignored.
    assert not has_restated_scores(engine, "lead", {"a": "g", "b": "f"})
    restate(engine, "lead", "a", "f", CALENDAR, {}, ~EVERY)
    assert not has_restated_scores(engine, "lead", {"a": "f"})


@pytest.mark.parametrize("again", [False, True])
def test_an_interrupted_write_leaves_nothing(engine, monkeypatch, again):
    write_first(engine, "lead", "a", "f", CALENDAR, scores(1), EVERY)
    restate(engine, "lead", "a", "f", CALENDAR, scores(2), EVERY)
    tables = ["scores", "forecasts", "restated_scores", "restated_forecasts"]
    before = [engine.frame(f"from ledger.{name}") for name in tables]
    append = engine.append

    def break_off(table: str, *rest) -> None:
        if table.endswith("forecasts"):
            raise KeyboardInterrupt
        append(table, *rest)

    monkeypatch.setattr(engine, "append", break_off)
    put, model = (restate, "a") if again else (write_first, "b")
    with pytest.raises(KeyboardInterrupt):
        put(engine, "lead", model, "f", CALENDAR, scores(3), EVERY)
    monkeypatch.undo()
    for name, frame in zip(tables, before, strict=True):
        assert engine.frame(f"from ledger.{name}").equals(frame)
    assert all(missing(engine, "b", "f"))


def test_changed_periods_are_found(engine):
    landmarks = draw_landmarks(np.random.default_rng(3), 3000)
    calendar = weekly(3, 6)
    split = Split.by_period(landmarks, calendar)
    key = (engine, "lead", "linear", "f")
    backtested = backtest_segments(make_model("linear"), split)
    write_first(*key, calendar, backtested, np.ones(6, dtype=bool))
    own = {"new_model": "f", "linear": "f"}
    new, scored = pending_entries(engine, "lead", own, calendar, split)
    assert (new.model, new.missing.all(), new.changed.any()) == ("new_model", True, False)
    assert not scored.to_score.any()
    late = landmarks.converted.copy()
    late[split.test_rows[4][np.flatnonzero(~late[split.test_rows[4]])[0]]] = True
    other = Split.by_period(landmarks.without_outcome(late), calendar)
    new, scored = pending_entries(engine, "lead", own, calendar, other)
    assert np.flatnonzero(scored.to_score).tolist() == [4]
    assert not scored.missing.any()
    assert new.missing.all()
    # Buckets outside a smaller sample are not compared.
    few = Split.by_period(landmarks.take(np.flatnonzero(landmarks.bucket < 100)), calendar)
    assert not pending_entries(engine, "lead", own, calendar, few)[1].to_score.any()


def test_rows_of_another_calendar_are_ignored(engine):
    """Rows of a removed model stay in the ledger and are ignored."""
    write_first(engine, "lead", "a", "f", weekly(6, 5), scores(1, 5), np.ones(5, dtype=bool))
    assert read_scores(engine, "lead", {"a": "f"}, CALENDAR) == {}
    write_first(engine, "lead", "a", "f", CALENDAR, scores(2), EVERY)
    same(read_scores(engine, "lead", {"a": "f"}, CALENDAR)["a"], scores(2))


@pytest.mark.parametrize("put", [write_first, restate])
def test_a_ledger_of_another_version_raises_an_error_with_its_name(engine, put):
    check_columns(engine)
    put(engine, "lead", "a", "f", CALENDAR, scores(1), EVERY)
    check_columns(engine)
    table = "ledger.scores" if put is write_first else "ledger.restated_scores"
    engine.run(f"alter table {table} drop column segment")
    with pytest.raises(InputError, match=rf"{table} has no column segment: .* file"):
        check_columns(engine)
