"""Touches: their order, their channels and users, and which are duplicates."""

from __future__ import annotations

import pytest

from lydite.engine import load_sql
from lydite.journeys import build_touches
from tests.helpers.input_tables import make_inputs
from tests.helpers.reference_journeys import key_of
from tests.helpers.small_journeys import build, column, conversion_paths, day, landmark_paths


def test_touches_are_ordered_by_time_for_any_row_order(engine):
    build(
        engine,
        [("ann", day(3), "tv"), ("ann", day(1), "search"), ("ann", day(2), "email")],
        [("ann", day(4))],
    )
    assert conversion_paths(engine) == ["search > email > tv"]
    assert landmark_paths(engine) == ["search", "search > email", "search > email > tv"]


def test_simultaneous_touches_are_ordered_by_id(engine):
    build(
        engine,
        [
            ("ann", day(1), "third", "a", "a", 1.0, "id 3"),
            ("ann", day(1), "first", "c", "c", 3.0, "id 1"),
            ("ann", day(1), "second", "b", "b", 2.0, "id 2"),
        ],
        [("ann", day(2))],
    )
    assert conversion_paths(engine) == ["first > second > third"]


@pytest.mark.parametrize(
    ("ids", "path"),
    [
        (["10", "9", "100"], "b > a > c"),
        (["9", "010", None], "a > b > c"),
        (["2", "10", "x"], "b > a > c"),
        (["1e1", "9", "10"], "c > a > b"),
        (["9000000000000000000", "10000000000000000000", "9"], "b > c > a"),
    ],
)
def test_ids_are_ordered_as_numbers_if_all_of_a_user_are_numbers(engine, ids, path):
    touches = [
        ("ann", day(1), channel, None, None, None, name)
        for channel, name in zip("abc", ids, strict=True)
    ]
    build(engine, touches, [("ann", day(2))])
    assert conversion_paths(engine) == [path]


def test_simultaneous_touches_without_ids_are_ordered_by_campaign_interaction_and_cost(engine):
    build(
        engine,
        [
            ("ann", day(1), "fourth", "b", "view", 2.0),
            ("ann", day(1), "third", "b", "view", 1.0),
            ("ann", day(1), "second", "b", "click", 9.0),
            ("ann", day(1), "first", "a", "view", 9.0),
        ],
        [("ann", day(2))],
    )
    assert conversion_paths(engine) == ["first > second > third > fourth"]


def test_nulls_are_ordered_last(engine):
    build(
        engine,
        [("ann", day(1), "second"), ("ann", day(1), "first", "z", "z", 9.0, "z")],
        [("ann", day(2))],
    )
    assert conversion_paths(engine) == ["first > second"]


def test_touches_that_differ_only_in_channel_are_ordered_by_channel_frequency(engine):
    build(
        engine,
        [("ann", day(1), "rare"), ("ann", day(1), "usual"), ("bob", day(1), "usual")],
        [("ann", day(2))],
    )
    assert conversion_paths(engine) == ["usual > rare"]


def test_channels_are_numbered_by_first_touch_then_frequency_then_name(engine):
    build(
        engine,
        [
            ("ann", day(1), "z common"),
            ("ann", day(3), "z common"),
            ("ann", day(1), "y early"),
            ("ann", day(2), "a late"),
            ("ann", day(2), "b late"),
            ("ann", day(3), "a last"),
            ("ann", day(4), "a last"),
        ],
        [("ann", day(5))],
    )
    numbered = column(engine, "select channel from journeys.channels order by channel_key")
    assert numbered == ["z common", "y early", "a late", "b late", "a last"]


def test_a_later_channel_does_not_renumber_others(engine):
    before = [("ann", day(1), "tv"), ("ann", day(2), "search")]
    build(engine, before, [("ann", day(5))])
    first = engine.rows("select channel_key, channel from journeys.channels order by channel_key")
    build(engine, [*before, *(("bob", day(3 + n), "new") for n in range(5))], [("ann", day(5))])
    then = engine.rows("select channel_key, channel from journeys.channels order by channel_key")
    assert then == [*first, (2, "new")]


def test_users_have_separate_paths(engine):
    build(
        engine,
        [("ann", day(1), "tv"), ("bob", day(1), "search")],
        [("ann", day(2)), ("bob", day(2))],
    )
    assert sorted(conversion_paths(engine)) == ["search", "tv"]


def test_the_key_of_a_user_is_independent_of_other_users(engine):
    build(engine, [("bob", day(1), "tv")], [("bob", day(2))])
    alone = engine.rows("from journeys.users")
    build(engine, [("bob", day(1), "tv"), ("ann", day(1), "tv")], [("cid", day(2))])
    assert engine.rows("from journeys.users where user_id = 'bob'") == alone


def test_users_with_equal_digests_have_distinct_keys(engine):
    users = [f"user {n}" for n in range(20)]
    build(engine, [(user, day(1), "tv") for user in users], [("ann", day(2))])
    coarse = load_sql("journeys/users").replace("1, 15", "1, 1")  # of sixteen digests
    rows = engine.rows(f"select user_key, user_id from ({coarse})")
    assert len({key for key, _ in rows}) == len(rows) == 21
    assert all(key // 8 == key_of(user) // 8 >> 56 for key, user in rows)


def test_exact_duplicates_count_once(engine):
    touch = ("ann", day(1), "tv", "spring", "view", 0.5, "id 1")
    build(engine, [touch, touch, touch], [("ann", day(2))])
    assert conversion_paths(engine) == ["tv"]
    assert build_touches(engine).touches == 1
    assert build_touches(engine).duplicates == 2


def test_exact_duplicates_with_nulls_count_once(engine):
    build(engine, [("ann", day(1), "tv"), ("ann", day(1), "tv")], [("ann", day(2))])
    assert conversion_paths(engine) == ["tv"]


def test_touches_that_differ_in_any_column_are_both_kept(engine):
    build(
        engine,
        [("ann", day(1), "tv", "spring"), ("ann", day(1), "tv", "summer")],
        [("ann", day(2))],
    )
    assert conversion_paths(engine) == ["tv > tv"]
    assert build_touches(engine).duplicates == 0


def test_exact_duplicates_without_an_id_can_be_kept(engine):
    rows = [("ann", day(1), "tv"), ("ann", day(1), "tv"), ("ann", day(1), "tv")]
    with_id = ("ann", day(2), "tv", None, None, None, "7")
    make_inputs(engine, [*rows, with_id, with_id, ("bob", day(1), "tv")])
    built = build_touches(engine, keep_duplicates=True)
    assert (built.touches, built.duplicates) == (5, 1)
    touches = engine.rows(
        "select touch from journeys.touches inner join journeys.users using (user_key)"
        " where user_id = 'ann' order by touch"
    )
    assert touches == [(1,), (2,), (3,), (4,)]


def test_duplicates_do_not_raise_the_frequency_of_a_channel(engine):
    build(
        engine,
        [("ann", day(1), "twice"), ("bob", day(1), "twice")] + 3 * [("ann", day(1), "thrice sent")],
        [("ann", day(2))],
    )
    numbered = column(engine, "select channel from journeys.channels order by channel_key")
    assert numbered == ["twice", "thrice sent"]
