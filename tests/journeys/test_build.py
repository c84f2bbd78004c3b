"""Journeys are built from all rows, and do not depend on their order, copies or names."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from lydite.durations import parse_duration
from lydite.journeys import (
    build_path_events_and_conversions,
    build_touches,
    select_path_touches,
)
from lydite.settings import InteractionLookbacks, PathOptions
from tests.helpers.input_tables import make_inputs
from tests.helpers.small_journeys import build, column, day, in_order, table

if TYPE_CHECKING:
    from lydite.engine import DuckDBEngine
    from tests.helpers.small_journeys import Row


def test_outcomes_are_sorted_by_name(engine):
    make_inputs(
        engine,
        [("ann", day(1), "tv")],
        [("ann", day(2), "signup"), ("ann", day(3), "lead"), ("ann", day(4), "signup")],
    )
    assert build_touches(engine).outcomes == ("lead", "signup")


def test_building_again_replaces_the_tables(engine):
    for _ in range(2):
        build(engine, [("ann", day(1), "tv")], [("ann", day(2))])
    assert column(engine, "select count(*) from journeys.path_events") == [2]


NAMES = ["affiliate", "display", "email", "podcast", "search", "tv"]


def users_batch() -> tuple[list[Row], list[Row]]:
    """Return rows of some 30 users, with ties, with repeats, and no two channels as common."""
    draw = random.Random(11)
    touchpoints = [
        (str(draw.randrange(30)), day(draw.randrange(90) / 2), name, *3 * [None], None)
        for name in draw.choices(NAMES, weights=[6, 5, 4, 3, 2, 1], k=600)
    ]
    conversions = [
        (str(draw.randrange(35)), day(draw.randrange(90) / 2), outcome, None, str(n))
        for n, outcome in enumerate(draw.choices(["lead", "purchase"], k=80))
    ]
    counts = Counter(name for _, _, name, *_ in set(touchpoints)).values()
    assert len(counts) == len(set(counts)) == len(NAMES)
    return touchpoints + touchpoints[:20], conversions


def built_from(engine: DuckDBEngine, touchpoints: list[Row], conversions: list[Row]) -> list[Any]:
    build(engine, touchpoints, conversions, "10d")
    return [
        in_order(table(engine, name)) for name in ("path_events", "path_touches", "conversions")
    ]


def test_the_order_of_rows_does_not_matter(engine):
    touchpoints, conversions = users_batch()
    expected = built_from(engine, touchpoints, conversions)
    for seed in range(3):
        random.Random(seed).shuffle(touchpoints)
        random.Random(seed).shuffle(conversions)
        assert built_from(engine, touchpoints, conversions) == expected


def test_duplicated_touches_do_not_matter(engine):
    touchpoints, conversions = users_batch()
    expected = built_from(engine, touchpoints, conversions)
    rarest = [row for row in touchpoints if row[2] == NAMES[-1]]
    assert built_from(engine, touchpoints + 20 * rarest, conversions) == expected


def test_renaming_channels_changes_only_their_names(engine):
    touchpoints, conversions = users_batch()
    expected = built_from(engine, touchpoints, conversions)
    renamed = dict(zip(NAMES, reversed([f"{name} renamed" for name in NAMES]), strict=True))
    touchpoints = [(user, at, renamed[name], *rest) for user, at, name, *rest in touchpoints]
    build(engine, touchpoints, conversions, "10d")
    engine.create(
        "main.names", "from (values " + ", ".join(map(str, renamed.items())) + ") t(a, b)"
    )
    path_touches = engine.frame(
        "select path_touches.* replace (names.a as channel)"
        " from journeys.path_touches inner join names on path_touches.channel = names.b"
    )
    assert in_order(table(engine, "path_events")) == expected[0]
    assert in_order(path_touches.to_dicts()) == expected[1]
    assert in_order(table(engine, "conversions")) == expected[2]


def test_user_ids_as_numbers_or_as_text_give_the_same_journeys(engine):
    touchpoints, conversions = users_batch()
    expected = built_from(engine, touchpoints, conversions)
    for name in ("touchpoints", "conversions"):
        engine.run(f"alter table inputs.{name} alter user_id type bigint")
    journeys = build_touches(engine)
    build_path_events_and_conversions(
        engine, dict.fromkeys(journeys.outcomes, parse_duration("10d"))
    )
    actual = [in_order(table(engine, n)) for n in ("path_events", "path_touches", "conversions")]
    assert actual == expected


@pytest.mark.parametrize("by_interaction", [None, InteractionLookbacks(timedelta(days=9), {})])
def test_the_paths_of_some_users_are_those_among_all_paths(engine, by_interaction):
    draw = random.Random(5)
    users = [f"user {number}" for number in range(12)]
    touchpoints = [
        (user, day(draw.random() * 30), draw.choice(["tv", "search", "direct"]))
        for user in users
        for _ in range(draw.randrange(6))
    ]
    make_inputs(engine, touchpoints, [(user, day(30 * draw.random())) for user in users])
    outcomes = build_touches(engine).outcomes
    options = PathOptions(by_interaction=by_interaction)
    build_path_events_and_conversions(
        engine, dict.fromkeys(outcomes, timedelta(days=9)), dict.fromkeys(outcomes, options)
    )
    engine.create("journeys.some", "select user_key from journeys.users where user_id < 'user 5'")
    found = engine.rows(f"from ({select_path_touches(engine, 'journeys.some')}) order by all")
    chosen = "where user_key in (from journeys.some)"
    assert found == engine.rows(f"from journeys.path_touches {chosen} order by all") != []
    everything = engine.rows(f"from ({select_path_touches(engine)}) order by all")
    assert everything == engine.rows("from journeys.path_touches order by all")
    assert len(found) < len(everything)
