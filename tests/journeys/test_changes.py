"""Tests of the record of changed users."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from lydite.engine import DuckDBEngine
from lydite.journeys import incremental
from lydite.journeys.changes import CHANGED_USERS, forget_builds, last_build
from tests.helpers.input_tables import make_inputs
from tests.helpers.reference_journeys import key_of

LOOKBACKS = {"lead": timedelta(days=30)}
START = datetime(2025, 1, 1)


@pytest.fixture
def engine(tmp_path):
    with DuckDBEngine(tmp_path / "w.duckdb") as engine:
        yield engine


def rows_of(users):
    touches = [(user, START, "mail", None, None, None) for user in users]
    return touches, [(users[0], START, "lead", None, None)]


def changed_users(engine):
    return {key for (key,) in engine.rows(f"from {CHANGED_USERS}")}


def test_the_record_has_the_users_that_are_new_changed_or_gone(engine):
    assert last_build(engine) is None
    users = [f"u{number}" for number in range(20)]
    make_inputs(engine, *rows_of(users))
    incremental.refresh(engine, LOOKBACKS)
    first = last_build(engine)
    assert first.before is None

    touches, conversions = rows_of([*users[:19], "new"])
    make_inputs(engine, [*touches, ("u3", *touches[0][1:2], "mail", "x", None, None)], conversions)
    incremental.refresh(engine, LOOKBACKS)
    second = last_build(engine)
    assert second.before == first.build != second.build
    assert changed_users(engine) == {key_of(user) for user in ("u3", "u19", "new")}

    incremental.refresh(engine, LOOKBACKS)
    assert last_build(engine).before == second.build
    assert changed_users(engine) == set()

    incremental.refresh(engine, LOOKBACKS, full=True)
    assert last_build(engine).before is None


def test_builds_are_forgotten_before_all_users_are_rebuilt(engine):
    make_inputs(engine, *rows_of(["u1", "u2"]))
    incremental.refresh(engine, LOOKBACKS)
    forget_builds(engine)
    assert last_build(engine) is None
    assert not engine.exists(CHANGED_USERS)
