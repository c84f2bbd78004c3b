"""Declarations of proposed experiments: they are settings, and their experiments are read."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

import lydite
from lydite.errors import InputError
from lydite.reporting.declaration import declare_experiment
from lydite.settings import parse_settings
from tests.helpers.made_next_experiments import (
    ACCOUNTS,
    FEW_ACCOUNTS,
    SEARCH,
    SOCIAL,
    compare_with_proposals,
)

REGIONS = ("Kiel", "Ulm", 'Bad "Ems"', *(f"region {n}" for n in range(9)))


def declared(row, regions=REGIONS):
    """Return name and plan of the experiment that the settings declare."""
    made = compare_with_proposals(row)
    credit = pl.DataFrame(
        [("purchase", f"region = {name}", 100.0 - i) for i, name in enumerate(regions)],
        schema=["outcome", "segment", "conversions"],
        orient="row",
    )
    made = replace(made, marts={**made.marts, "segment_credit": credit})
    text = declare_experiment(made, "purchase", row["channel"])
    found = tomllib.loads(text)["experiments"]
    parse_settings(
        {"sources": {"touchpoints": "t", "conversions": "c"}, "experiments": found}, "settings"
    )
    [(name, plan)] = found.items()
    return name, plan, made


def test_a_test_by_user_begins_on_the_monday_after_the_data():
    name, plan, made = declared(SEARCH)
    last = made.outcomes[0]["as_of"].date()
    start = date.fromisoformat(plan["start"])
    assert start.weekday() == 0
    assert timedelta(0) < start - last <= timedelta(7)
    assert name == f"paid_search_holdout_{start:%Y_%m}"
    assert date.fromisoformat(plan["end"]) - start == timedelta(weeks=4)
    assert plan["arms"] == {"control": 1, "treated": 9}
    assert (plan["outcome"], plan["channel"]) == ("purchase", "paid_search")
    assert (plan["planned_users"], plan["smallest_effect"]) == (52_000, 0.05)
    assert plan["window"] == made.outcomes[0]["lookback"]


def test_regions_are_drawn_from_pairs_of_alike_ones():
    _, plan, made = declared(SOCIAL)
    assert plan["unit"] == "region"
    assert [set(pair) for pair in plan["pairs"]] == [
        set(REGIONS[i : i + 2]) for i in range(0, len(REGIONS), 2)
    ]
    assert len(set(plan["arms"]["treated"]) & set(REGIONS[::2])) not in {0, 6}
    assert declare_experiment(made, "purchase", "social") == declare_experiment(
        made, "purchase", "social"
    )
    _, odd, _ = declared(SOCIAL, REGIONS[:-1])
    assert len(odd["pairs"]) == 5


def assign(plan, size=5):
    """Return accounts of some users, drawn for the arms, with purchases that are alike in them."""
    rng = np.random.default_rng(3)
    accounts = plan["planned_users"] // size
    treated = rng.permutation(accounts) % 2
    start = datetime.fromisoformat(plan["start"])
    account = np.repeat(np.arange(accounts), size)
    users = pl.DataFrame({"user_id": np.arange(len(account)), "account_id": account}).cast(
        pl.String
    )
    assignments = users.select(
        pl.lit("paid_search").alias("experiment"),
        "user_id",
        arm=pl.Series(np.where(np.repeat(treated, size), "treated", "control")),
        assigned_at=pl.lit(start + timedelta(hours=9)),
    )
    rates = rng.beta(2, 6, accounts) + 0.2 * treated
    buys = rng.random(len(account)) < np.repeat(rates, size)
    conversions = users.filter(buys).select(
        "user_id",
        converted_at=pl.lit(start + timedelta(days=20)),
        outcome=pl.lit("purchase"),
        value=pl.lit(30.0),
    )
    return users, assignments, conversions


def test_a_test_of_accounts_is_read_with_the_variance_of_accounts():
    pytest.importorskip("tea_tasting")
    _, plan, _ = declared(ACCOUNTS)
    assert (plan["planned_users"], plan["window"]) == (412 * 5, "56d")
    users, assignments, conversions = assign(plan)
    over = date.fromisoformat(plan["start"]) + timedelta(weeks=10)
    by_account, by_user = (
        lydite.read_experiment(
            plan, conversions, assignments, name="paid_search", users=users, as_of=over, cluster=c
        )
        for c in (None, "user_id")
    )
    assert by_account.may_read == "fixed"
    statuses = dict(by_account.checks.select("check_name", "status").iter_rows())
    assert statuses["groups_in_two_arms"] == statuses["planned_size"] == "passed"
    [wide, narrow] = [
        found.table.filter("is_primary", arm="treated").row(0, named=True)
        for found in (by_account, by_user)
    ]
    assert wide["users"] == narrow["users"] == 1_030
    assert wide["difference"] == pytest.approx(narrow["difference"])
    width = [row["difference_high"] - row["difference_low"] for row in (wide, narrow)]
    effect = 1 + (5 - 1) / 9  # the rates of accounts have the correlation 1 / (2 + 6 + 1)
    assert (width[0] / width[1]) ** 2 == pytest.approx(effect, rel=0.15)


def test_other_clusters_are_named_to_be_set():
    made = compare_with_proposals(ACCOUNTS | {"cluster_column": "household"})
    assert 'cluster = "household"' in declare_experiment(made, "purchase", " Paid_Search")
    own = declare_experiment(compare_with_proposals(ACCOUNTS), "purchase", "paid_search")
    assert "cluster =" not in own
    assert "\n# All users of an account get the arm" in own


@pytest.mark.parametrize(
    ("row", "channel", "words"),
    [
        (SEARCH, "radio", "no experiment of 'radio' is proposed for purchase; there are: paid_sea"),
        (FEW_ACCOUNTS, "paid_search", "can be declared: 412 accounts are too few"),
    ],
)
def test_what_cannot_be_declared_is_refused(row, channel, words):
    with pytest.raises(InputError, match=words):
        declare_experiment(compare_with_proposals(row), "purchase", channel)
