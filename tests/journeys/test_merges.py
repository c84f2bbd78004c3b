"""Tests of the components of pairs of ids over time."""

from __future__ import annotations

import numpy as np
import pytest

from lydite.journeys.merges import (
    ALWAYS,
    NEVER,
    Pairs,
    count_partners,
    find_components,
    find_members,
    find_roots,
    merge_over_time,
    without_hubs,
)


def pairs(*rows: tuple[int, int, int], ids: int, accounts: int | None = None) -> Pairs:
    first, second, seen_us = np.array(rows, dtype=np.int64).reshape(-1, 3).T
    return Pairs(ids, first, second, seen_us, ids if accounts is None else accounts)


def drawn(seed: int, ids: int = 30, n: int = 40) -> Pairs:
    draw = np.random.default_rng(seed)
    rows = draw.integers(0, (ids, ids, 15), size=(n, 3))
    return pairs(*map(tuple, rows[rows[:, 0] != rows[:, 1]].tolist()), ids=ids)


def test_a_pair_in_both_directions_is_one_partner():
    assert count_partners(pairs((0, 1, 1), (1, 0, 2), (0, 2, 3), ids=4)).tolist() == [2, 1, 1, 0]


def test_hubs_lose_their_pairs_and_keep_their_accounts():
    given = pairs((0, 1, 1), (0, 2, 1), (1, 2, 1), (0, 3, ALWAYS), ids=4, accounts=3)
    partners = count_partners(given)
    assert partners.tolist() == [2, 2, 2, 0]
    kept = without_hubs(given, np.array([3, 1, 1, 0]), 2)
    assert list(zip(kept.first, kept.second, strict=True)) == [(1, 2), (0, 3)]


def test_persons_are_named_by_an_account_else_a_user_else_an_id():
    given = pairs((0, 2, 1), (1, 2, 1), (3, 5, ALWAYS), (4, 3, 1), ids=6, accounts=5)
    assert find_roots(given).tolist() == [2, 2, 2, 5, 5, 5]


@pytest.mark.parametrize("seed", range(20))
def test_the_parts_at_any_time_are_the_components_of_the_pairs_seen_by_then(seed):
    given = drawn(seed)
    tree = merge_over_time(given)
    for now in range(16):
        component = find_components(given.take(given.seen_us <= now))
        node = np.arange(given.ids)
        while (ended := tree.end_us[node] <= now).any():
            node = np.where(ended, tree.up[node], node)
        assert (tree.start_us[node] <= now).all()
        same = component[:, None] == component
        assert ((node[:, None] == node) == same).all()
        inside = (tree.first_leaf[node] <= tree.first_leaf[: given.ids, None]) & (
            tree.last_leaf[node] >= tree.last_leaf[: given.ids, None]
        )
        assert (inside == same).all()
        named = tree.root[node]
        assert (component[named] == component).all()


def test_the_name_of_a_person_depends_on_earlier_pairs_only():
    early = pairs((0, 2, 1), (1, 3, 2), ids=5)
    late = pairs((0, 2, 1), (1, 3, 2), (3, 2, 3), (2, 0, 4), (4, 1, 5), ids=5)
    found = merge_over_time(early), merge_over_time(late)
    assert [tree.root[5:7].tolist() for tree in found] == [[2, 3], [2, 3]]
    assert found[1].root[7:].tolist() == [2, 2]


def test_pairs_at_one_instant_make_one_person():
    tree = merge_over_time(pairs((0, 2, 7), (1, 2, 7), ids=3))
    assert tree.exists.tolist() == [True, True, True, False, True]
    assert tree.end_us[:3].tolist() == [7, 7, 7]
    assert tree.end_us[4] == NEVER


@pytest.mark.parametrize("seed", range(10))
def test_members_cover_the_rows_of_each_id(seed):
    given = drawn(seed)
    tree = merge_over_time(given)
    number = np.arange(given.ids)
    first_us, last_us = np.full(given.ids, 4), np.full(given.ids, 9)
    members = find_members(tree, number, first_us, last_us, history_us=2)
    for one in number:
        nodes = members.node[members.number == one]
        for at in range(4, 10):
            natural = (tree.start_us[nodes] <= at) & (tree.end_us[nodes] > at)
            assert natural.sum() == 1
        late = tree.start_us[nodes]
        assert (late <= 9 + 2).all()


def test_without_pairs_all_ids_are_single():
    given = pairs(ids=3)
    assert find_roots(given).tolist() == [0, 1, 2]
    assert merge_over_time(given).exists.all()
