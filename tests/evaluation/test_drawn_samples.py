"""A sample is drawn again only where landmarks have changed, and equals one of a new warehouse."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lydite.engine import DuckDBEngine
from lydite.evaluation import drawn_samples
from lydite.evaluation.sample import build_sample
from lydite.journeys.incremental import refresh
from tests.helpers.input_tables import make_inputs

if TYPE_CHECKING:
    from collections.abc import Iterator

START, OUTCOME = datetime(2025, 1, 1), "conversion"
LOOKBACKS = {OUTCOME: timedelta(days=5)}
UNTIL = START + timedelta(days=30)


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def drawn_rows() -> tuple[list, list]:
    """Return touches and conversions of 60 days."""
    rng = np.random.default_rng(0)
    users = rng.integers(0, 80, 400)
    touches = [("first", START, name) for name in ("search", "mail", "social")]
    touches += [
        (f"u{user}", day(float(at)), str(rng.choice(["search", "mail", "social"])))
        for user, at in zip(users, rng.uniform(1, 60, len(users)), strict=True)
    ]
    bought = [(f"u{n}", day(float(rng.uniform(1, 60)))) for n in range(0, 80, 3)]
    return touches, bought


@pytest.fixture
def engine(tmp_path) -> Iterator[DuckDBEngine]:
    with DuckDBEngine(tmp_path / "warehouse.duckdb") as engine:
        yield engine


def draw(engine: DuckDBEngine, touches: list, bought: list, until: datetime = UNTIL) -> str:
    """Draw the sample, compare it with that of a new warehouse, and return its id."""
    make_inputs(engine, touches, bought)
    refresh(engine, LOOKBACKS)
    drawn_samples.keep(engine, [OUTCOME])
    buckets = build_sample(engine, OUTCOME, until)
    with DuckDBEngine() as other:
        make_inputs(other, touches, bought)
        refresh(other, LOOKBACKS)
        assert build_sample(other, OUTCOME, until) == buckets
        for name in ("landmarks", "set_aside"):
            rows = f"from evaluation.{name} order by all"
            assert engine.rows(rows) == other.rows(rows)
    found = drawn_samples.read(engine, OUTCOME)
    assert found is not None
    return found.drawn


def test_rows_after_the_sample_leave_it_as_it_is(engine):
    touches, bought = drawn_rows()
    first = draw(engine, touches, bought)
    assert draw(engine, touches, bought) == first
    more = [*touches, ("u1", day(61), "mail"), ("new", day(62), "search")]
    assert draw(engine, more, [*bought, ("u1", day(63))]) == first


def test_a_later_end_adds_landmarks(engine):
    touches, bought = drawn_rows()
    first = draw(engine, touches, bought)
    second = draw(engine, [*touches, ("u1", day(61), "mail")], bought, UNTIL + timedelta(days=7))
    assert second != first
    assert draw(engine, touches, bought, UNTIL + timedelta(days=7)) == second


@pytest.mark.parametrize("change", ["late", "gone", "converted"])
def test_changes_in_the_sample_draw_it_again(engine, change):
    touches, bought = drawn_rows()
    first = draw(engine, touches, bought)
    if change == "late":
        touches = [*touches, ("u1", day(9), "mail")]
    elif change == "gone":
        touches = [row for row in touches if row[0] != "u2"]
    else:
        bought = [*bought, (touches[40][0], touches[40][1] + timedelta(minutes=1))]
    assert draw(engine, touches, bought, UNTIL + timedelta(days=2)) != first


def test_an_interrupted_run_draws_it_again(engine, monkeypatch):
    touches, bought = drawn_rows()
    first = draw(engine, touches, bought)
    touches = [*touches, ("u1", day(31), "mail")]
    with monkeypatch.context() as patch:
        patch.setattr(drawn_samples, "write", interrupt)
        with pytest.raises(KeyboardInterrupt):
            draw(engine, touches, bought, UNTIL + timedelta(days=7))
    assert draw(engine, touches, bought, UNTIL + timedelta(days=7)) != first


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_run_in_between_without_a_sample_draws_it_again(engine):
    touches, bought = drawn_rows()
    first = draw(engine, touches, bought)
    make_inputs(engine, [*touches, ("u1", day(9), "mail")], bought)
    refresh(engine, LOOKBACKS)
    assert draw(engine, [*touches, ("u1", day(9), "mail")], bought) != first


def test_samples_of_other_outcomes_and_other_sql_are_dropped(engine, monkeypatch):
    draw(engine, *drawn_rows())
    drawn_samples.keep(engine, ["other"])
    assert engine.scalar("select count(*) from evaluation.landmarks") == 0
    draw(engine, *drawn_rows())
    monkeypatch.setattr(drawn_samples, "_definition", lambda: "another")
    drawn_samples.keep(engine, [OUTCOME])
    assert not engine.exists("evaluation.landmarks")
