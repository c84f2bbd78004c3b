"""Variants: accounts, bots, few conversions, countries; names, tables and truth of all."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from lydite.errors import InputError
from lydite.simulation import VARIANTS, WORLDS, simulate
from lydite.simulation._variants import COUNTRIES, JOINS
from tests.helpers.simulation_tables import landmarks

START = date(2024, 2, 28)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize(("users", "weeks"), [(400, 5), (1, 1), (7, 9)])
def test_tables_are_valid_input(variant, users, weeks):
    world = simulate("linear", users=users, seed=31, weeks=weeks, start=START, variant=variant)
    plain = simulate("linear", users=users, seed=31, weeks=weeks, start=START)
    assert world.touchpoints.schema == plain.touchpoints.schema
    assert world.conversions.schema == plain.conversions.schema
    assert world.spend.equals(plain.spend)
    assert world.users.select(plain.users.columns).equals(plain.users)
    assert set(world.users.columns) - set(plain.users.columns) == {
        "accounts": {"account_id"}, "countries": {"country"},
    }.get(variant, set())  # fmt: skip
    for frame, key, at in (
        (world.touchpoints, "touchpoint_id", "touched_at"),
        (world.conversions, "conversion_id", "converted_at"),
    ):
        assert frame[key].is_unique().all()
        assert frame[at].is_sorted()
        assert (frame[at].dt.date() >= START).all()
        assert (frame[at].dt.date() < START + timedelta(weeks=weeks)).all()
        assert frame["user_id"].is_in(world.users["user_id"].implode()).all()


@pytest.mark.parametrize("world", [name for name in WORLDS if name != "storefront"])
def test_every_world_has_every_variant(world):
    for variant in VARIANTS:
        made = simulate(world, users=60, seed=2, weeks=8, variant=variant)
        assert made.truth["variant"] == variant
        assert made.truth["variant_claim"] == VARIANTS[variant]
        assert made.truth["claim"] == WORLDS[world]


def test_the_plain_world_does_not_name_a_variant():
    assert not {"variant", "variant_claim", "bots"} & set(simulate("null", users=10).truth)


def test_errors_name_what_exists():
    with pytest.raises(InputError, match="no variant is called 'seson'; did you mean season"):
        simulate("null", variant="seson")
    with pytest.raises(InputError, match="accounts or bots or"):
        simulate("null", variant="xyz")
    with pytest.raises(InputError, match="'storefront' has no variants"):
        simulate("storefront", variant="season")


@pytest.mark.parametrize("variant", sorted(set(VARIANTS) - {"sparse"}))
def test_users_do_not_depend_on_their_number(variant):
    few, many = (
        simulate("time_decay", users=users, seed=5, variant=variant) for users in (50, 600)
    )
    same = pl.col("user_id") <= "u00000050"
    drop = ("touchpoint_id", "conversion_id")
    for table in ("touchpoints", "conversions", "users"):
        expected = getattr(few, table).drop(drop, strict=False)
        found = getattr(many, table).filter(same).drop(drop, strict=False)
        assert found.equals(expected)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("world", ["last_touch", "linear", "activity", "hazard"])
def test_the_truth_contains_the_base_rate(world, variant):
    made = simulate(world, users=20_000, seed=6, variant=variant)
    expected = made.truth["expected_base_rate"] * made.touchpoints.height
    converted = made.conversions.height
    members = 5 if variant == "accounts" else 1
    censored = 0.08 if world == "hazard" else 0.01  # conversions after the end of the history
    assert abs(converted - expected) < 4 * np.sqrt(members * expected) + censored * expected


# --- accounts -------------------------------------------------------------------------------------


def test_members_of_an_account_share_all_touches():
    world = simulate("linear", users=1_003, seed=7, variant="accounts")
    touches = world.touchpoints.join(world.users, on="user_id")
    members = world.users.group_by("account_id").len()
    assert sorted(members["len"].to_list()) == [3] + [5] * 200
    shared = touches.group_by("account_id", "touched_at", "channel", "campaign").agg(
        pl.len(), users=pl.col("user_id").n_unique()
    )
    shared = shared.join(members, on="account_id", suffix="_of_account")
    assert (shared["users"] == shared["len_of_account"]).all()
    assert (shared["len"] == shared["users"]).all()


def test_members_of_an_account_convert_together():
    world = simulate("null", users=20_000, seed=8, variant="accounts")
    together = (
        world.conversions.join(world.users, on="user_id")
        .group_by("account_id", "converted_at")
        .len()["len"]
    )
    # The number of members who join is binomial, given that any does.
    expected = 5 * JOINS / (1 - (1 - JOINS) ** 5)
    assert together.mean() == pytest.approx(expected, rel=0.02)


def test_the_rule_stays_true_for_members_who_did_not_join():
    read = landmarks(simulate("last_touch", users=20_000, seed=9, variant="accounts"))
    rates = simulate("last_touch", users=10).truth["parameters"]["rates"]
    expected = np.array([rates[point.channels[-1]] for point in read])
    converted = np.array([point.converted for point in read])
    for channel in rates:
        rows = np.array([point.channels[-1] == channel for point in read])
        error = np.sqrt(5 * (expected[rows] * (1 - expected[rows])).sum())
        assert abs(converted[rows].sum() - expected[rows].sum()) < 4 * error
    long = np.array([len(point.channels) >= 4 for point in read])
    assert abs(converted[long].sum() - expected[long].sum()) < 4 * np.sqrt(
        5 * (expected[long] * (1 - expected[long])).sum()
    )


# --- bots -----------------------------------------------------------------------------------------


def test_bots_have_hundreds_of_touches_of_one_channel_and_never_convert():
    world = simulate("last_touch", users=20_000, seed=10, variant="bots")
    bots = world.truth["bots"]
    assert 0.01 < len(bots) / 20_000 < 0.02
    assert not set(bots) & set(world.conversions["user_id"])
    by_user = world.touchpoints.group_by("user_id").agg(
        pl.len(), display=(pl.col("channel") == "display").mean()
    )
    of_bots = by_user.filter(pl.col("user_id").is_in(bots))
    assert of_bots.height == len(bots)
    assert of_bots["len"].min() >= 100
    assert 200 < of_bots["len"].median() < 400
    assert 0.88 < of_bots["display"].mean() < 0.94
    humans = by_user.filter(~pl.col("user_id").is_in(bots))
    assert humans["len"].max() < 60


def test_bots_leave_other_users_alone():
    plain, made = (simulate("linear", users=2_000, seed=11, variant=v) for v in (None, "bots"))
    human = ~pl.col("user_id").is_in(made.truth["bots"])
    for table, key in (("touchpoints", "touchpoint_id"), ("conversions", "conversion_id")):
        expected = getattr(plain, table).drop(key).filter(human)
        assert getattr(made, table).drop(key).filter(human).equals(expected)


# --- few conversions, countries -------------------------------------------------------------------


@pytest.mark.parametrize("world", ["null", "linear", "hazard"])
@pytest.mark.parametrize("users", [1_000, 20_000])
def test_sparse_worlds_have_about_one_conversion_a_week(world, users):
    counts = [
        simulate(world, users=users, seed=seed, weeks=50, variant="sparse").conversions.height
        for seed in range(4)
    ]
    assert abs(sum(counts) - 200) < 5 * np.sqrt(200)


def test_a_world_that_is_too_small_for_its_conversions_has_what_it_has():
    plain, made = (simulate("null", users=3, seed=1, variant=v) for v in (None, "sparse"))
    assert made.conversions.equals(plain.conversions)


def test_countries_differ_in_size_only():
    world, plain = (simulate("null", users=30_000, seed=12, variant=v) for v in ("countries", None))
    assert world.touchpoints.equals(plain.touchpoints)
    assert world.conversions.equals(plain.conversions)
    sizes = world.users["country"].value_counts(sort=True)
    assert set(sizes["country"]) == set(COUNTRIES)
    assert sizes["count"][0] / sizes["count"][-1] == pytest.approx(5, rel=0.25)
    assert len(set(COUNTRIES)) == 30
