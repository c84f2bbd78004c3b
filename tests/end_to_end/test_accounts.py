"""Accounts of five users who share all touches and conversions, in a world without any effect."""

from __future__ import annotations

import polars as pl
import pytest

import lydite

MEMBERS = 5
MODELS = ["linear", "last_touch"]
WORLD = lydite.simulate("null", users=1500, seed=5)


def members(table: pl.DataFrame) -> pl.DataFrame:
    """Copy the rows of each user to every member of an account."""
    own = table.with_columns(account_id="user_id")
    named = [pl.col("account_id") + f" {number}" for number in range(MEMBERS)]
    return pl.concat([own.with_columns(name.alias("user_id")) for name in named])


def run(*, shared: bool, users: pl.DataFrame | None = None) -> lydite.Comparison[pl.DataFrame]:
    tables = [WORLD.touchpoints, WORLD.conversions]
    if shared:
        tables = [members(table).drop("account_id") for table in tables]
    return lydite.compare(*tables, users=users, models=MODELS, lookback="14d")


@pytest.fixture(scope="module")
def single():
    """Return the comparison of the accounts, each as one user."""
    return run(shared=False)


@pytest.fixture(scope="module")
def by_user():
    return run(shared=True)


@pytest.fixture(scope="module")
def by_account():
    users = members(WORLD.users).select("user_id", "account_id")
    return run(shared=True, users=users)


def widths(result: lydite.Comparison[pl.DataFrame]) -> list[float]:
    """Return the widths of the intervals of linear by channel."""
    rows = result.credit.filter(pl.col("model") == "linear").sort("channel")
    return (rows["conversions_high"] - rows["conversions_low"]).to_list()[1:]


def test_buckets_by_account_restore_the_width_of_intervals(single, by_user, by_account):
    # Five times the conversions of as many independent accounts: five times the width.
    assert widths(by_account) == pytest.approx([MEMBERS * width for width in widths(single)])
    # As if there were five times as many independent users.
    expected = [MEMBERS**0.5 * width for width in widths(single)]
    assert widths(by_user) == pytest.approx(expected, rel=0.35)
    credit = [
        result.credit.sort("model", "channel")["conversions"].to_list()
        for result in (by_user, by_account)
    ]
    assert credit[0] == pytest.approx(credit[1])


def test_models_are_not_separated_by_copies_of_users(by_user, by_account):
    rivals = pl.col("ahead").is_in(MODELS) & pl.col("behind").is_in(MODELS)
    separated = [
        result.pairs.filter(rivals)["separated"].to_list() for result in (by_user, by_account)
    ]
    assert separated == [[True], [False]]


def test_the_warning_is_given_while_the_accounts_are_not_known(by_user, by_account, single):
    kinds = [set(result.warnings["kind"]) for result in (by_user, by_account, single)]
    assert ["shared_touches" in own for own in kinds] == [True, False, False]


def test_accounts_are_not_segments(by_account):
    assert by_account.segments.is_empty()
