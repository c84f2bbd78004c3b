"""The tables of experiments, from small input tables."""

from __future__ import annotations

from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import polars as pl
import pytest

from lydite.engine import DuckDBEngine
from lydite.errors import InputError
from lydite.experiments import tables
from lydite.journeys.people import build_people
from lydite.settings import ExperimentSettings, PeopleSettings
from tests.experiments.conftest import START, plan_of
from tests.helpers.input_tables import make_inputs

DAY = timedelta(days=1)
TOUCHES = [
    ("ann", START - 2 * DAY, "E-Mail "),
    ("ann", START - 20 * DAY, "e-mail"),
    ("ann", START + DAY, "e-mail"),
    ("ann", START + 2 * DAY, "tv"),
    ("ann", START + 7 * DAY, "e-mail"),
    ("bob", START, "e-mail"),
    ("else", START, "e-mail"),
]
CONVERSIONS = [
    ("ann", START, "purchase", 5.0),
    ("ann", START + 7 * DAY - timedelta(seconds=1), "purchase"),
    ("ann", START + 7 * DAY, "purchase", 100.0),
    ("ann", START - DAY, "purchase", 7.0),
    ("ann", START - 8 * DAY, "purchase", 100.0),
    ("bob", START + DAY, "lead"),
]
ASSIGNED = [
    ("test", "ann", "treated", START),
    ("test", "ann", "treated", START + DAY),
    ("test", "bob", "control", START + DAY),
    ("test", "new", "control", START),
    ("other", "ann", "a", START),
]


@pytest.fixture
def engine():
    with DuckDBEngine() as engine:
        make_inputs(engine, TOUCHES, CONVERSIONS, experiments=ASSIGNED)
        yield engine


def units_of(engine, **changes):
    tables.build_tables(engine, {"test": plan_of(channel="E-mail", **changes)})
    units = tables.read_units(engine, "test")
    return {row["person"]: row for row in units.iter_rows(named=True)}


def test_touches_are_counted_around_the_first_assignment(engine):
    found = units_of(engine)
    counts = ("touches", "touches_before", "exposed_early", "exposed")
    assert {name: tuple(row[c] for c in counts) for name, row in found.items()} == {
        "ann": (5, 1, 0, 1),
        "bob": (1, 1, 1, 0),  # exposed after the experiment began and before the assignment
        "new": (0, 0, 0, 0),
    }
    assert found["ann"]["assigned_at"] == START


def test_early_exposure_counts_from_the_declared_start(engine):
    assert units_of(engine, start=START - 30 * DAY)["ann"]["exposed_early"] == 2


def test_conversions_count_from_the_assignment_to_the_end_of_the_window(engine):
    tables.build_tables(engine, {"test": plan_of()})
    found = tables.read_conversions(engine, "test", "purchase")
    assert found.rows() == [("ann", 2, 5.0, 1, 7.0)]
    assert tables.read_conversions(engine, "test", "lead").rows() == [("bob", 1, 0.0, 0, 0.0)]


def opened(user, time, interaction, channel="e-mail"):
    return (user, time, channel, None, interaction)


@pytest.fixture
def messages():
    """Yield an engine with opens and clicks around two assignments, and a random rest."""
    rng = np.random.default_rng(3)
    kinds = ["open", "click", "purchase", None]
    touches = [
        opened(
            f"u{rng.integers(40)}",
            START + timedelta(minutes=int(rng.integers(-20_000, 25_000))),
            kinds[rng.integers(4)],
            ["e-mail", "E-Mail ", "tv"][rng.integers(3)],
        )
        for _ in range(1_500)
    ]
    touches += [opened("u1", START, "open"), opened("u1", START + 7 * DAY, "open")]
    touches += [opened("u1", START - 7 * DAY, "open"), opened("nobody", START, "open")]
    assigned = [("test", f"u{i}", "treated", START + timedelta(hours=i)) for i in range(1, 50)]
    assigned += [("other", f"u{i}", "treated", START) for i in range(9)]
    with DuckDBEngine() as engine:
        make_inputs(engine, touches, CONVERSIONS, experiments=assigned)
        yield engine


def counted_by_pandas(engine, interaction, window=7 * DAY):
    """Return the touches of e-mail of each user of the test, before and after assignment."""
    touches = engine.connection.sql("from inputs.touchpoints").df()
    assigned = engine.connection.sql("from inputs.experiments where experiment = 'test'").df()
    is_mail = touches["channel"].str.strip().str.lower() == "e-mail"
    found = touches[is_mail & (touches["interaction"] == interaction)].merge(assigned, on="user_id")
    since = found["touched_at"] - found["assigned_at"]
    found["after"] = (since >= timedelta()) & (since < window)
    found["before"] = (since < timedelta()) & (since >= -window)
    counts = found.groupby("user_id")[["after", "before"]].sum()
    return counts[counts.sum(axis=1) > 0]


@pytest.mark.parametrize("interaction", ["open", "click"])
def test_interactions_of_the_channel_count_like_conversions(messages, interaction):
    plan = plan_of(channel="E-mail", varies="message", outcomes=("click", "open", "purchase"))
    tables.build_tables(messages, {"test": plan, "other": plan_of(channel="tv")})
    found = tables.read_conversions(messages, "test", interaction).to_pandas().set_index("person")
    expected = counted_by_pandas(messages, interaction)
    pd.testing.assert_frame_equal(
        found[["conversions", "conversions_before"]].sort_index(),
        expected.set_axis(["conversions", "conversions_before"], axis=1).sort_index(),
        check_names=False,
    )
    assert found["value"].sum() == 0
    assert tables.read_conversions(messages, "other", interaction).is_empty()


def test_a_name_that_is_an_outcome_and_an_interaction_is_the_outcome(messages):
    plan = plan_of(channel="e-mail", varies="message", outcomes=("open", "purchase", "open"))
    assert tables.find_interactions(messages, " E-Mail") == ["click", "open", "purchase"]
    assert tables.find_interactions(messages, None) == []
    assert tables.chosen_interactions(messages, plan) == ["open"]
    tables.build_tables(messages, {"test": plan})
    assert tables.read_conversions(messages, "test", "purchase").is_empty()


def test_ids_of_one_person_are_one_user_and_may_be_in_two_arms(engine):
    pairs = [("cookie", "ann", START + 3 * DAY)]
    assigned = [*ASSIGNED, ("test", "cookie", "control", START + DAY)]
    more = [*CONVERSIONS, ("cookie", START + 2 * DAY, "purchase", 1.0)]
    make_inputs(engine, TOUCHES, more, identities=pairs, experiments=assigned)
    build_people(engine, PeopleSettings(), 7 * DAY)
    found = units_of(engine)
    assert (found["ann"]["arms"], found["ann"]["assigned_at"]) == (2, START)
    assert "cookie" not in found
    assert tables.read_conversions(engine, "test", "purchase").rows() == [("ann", 3, 6.0, 1, 7.0)]


def test_users_of_an_account_are_a_cluster(engine):
    users = pl.DataFrame({"user_id": ["ann", "bob"], "Account_ID": ["x", "x"], "plan": ["p", "q"]})
    engine.store("inputs.users", users)
    assert [row["cluster"] for row in units_of(engine).values()] == ["x", "new", "x"]
    tables.build_tables(engine, {"test": plan_of()}, cluster="user_id")
    assert tables.read_units(engine, "test")["cluster"].to_list() == ["ann", "new", "bob"]
    with pytest.raises(InputError, match="cluster = 'team': the table users has no column"):
        tables.build_tables(engine, {"test": plan_of()}, cluster="team")


def test_the_data_ends_with_the_earlier_of_touchpoints_and_conversions(engine):
    first, last = tables.first_and_last(engine)
    assert (first, last) == (START - 20 * DAY, START + 7 * DAY)
    assert tables.find_outcomes(engine) == {"lead": False, "purchase": True}
    assert tables.find_channels(engine) == ["E-Mail ", "e-mail", "tv"]


def test_regions_need_their_column(engine):
    plan = ExperimentSettings(
        channel="tv",
        hypothesis="TV brings leads.",
        outcome="lead",
        unit="region",
        arms={"control": ["n"], "treated": ["s"]},
        start=START,
        end=START + 7 * DAY,
    )
    tables.build_tables(engine, {"test": plan})
    with pytest.raises(InputError, match=r"experiments\.test\.unit = 'region'"):
        tables.read_region_days(engine, "test", plan)
    users = pl.DataFrame({"user_id": ["ann", "bob"], "Region": ["n", "s"]})
    engine.store("inputs.users", users)
    found = tables.read_region_days(engine, "test", plan).filter(pl.col("outcome") == "lead")
    assert found.select("region", "date", "conversions").rows() == [
        ("s", datetime(2026, 3, 2).date(), 1)
    ]


def test_users_with_touches_or_conversions_are_known(engine):
    found = units_of(engine)
    assert {name: (row["is_known"], row["was_known"]) for name, row in found.items()} == {
        "ann": (True, True),
        "bob": (True, True),
        "new": (False, False),
    }


def test_assignments_that_were_set_aside_come_with_an_example(engine):
    rows = pl.DataFrame(
        {
            "Experiment": ["test", "test", "other", "test"],
            "Assigned_At": ["31.12.2025", "30.12.2025", "x", None],
            "reason": ["invalid_assigned_at"] * 3 + ["missing_arm"],
        }
    )
    engine.store("quarantine.experiments", rows)
    counts = tables.count_set_aside(engine, "test")
    assert list(counts.items()) == [("invalid_assigned_at", 2), ("missing_arm", 1)]
    such, advice = tables.explain_set_aside(engine, "invalid_assigned_at")
    assert such.startswith(" (such as Assigned_At = '")
    assert "strptime(Assigned_At, '%d.%m.%Y')" in advice
    assert tables.explain_set_aside(engine, "missing_arm")[0] == ""
