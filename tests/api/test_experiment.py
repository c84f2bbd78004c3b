"""`lydite.read_experiment`."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import polars as pl
import pytest

import lydite
from lydite.errors import InputError
from tests.helpers.holdout import PLAN, simulate_holdout

pytest.importorskip("tea_tasting")


@pytest.fixture(scope="module")
def holdout():
    return simulate_holdout()


def test_frames_in_and_frames_of_the_same_kind_out(holdout):
    touchpoints, conversions, assignments = holdout
    found = lydite.read_experiment(
        PLAN, conversions, assignments, name="email", touchpoints=touchpoints
    )
    assert isinstance(found.table, pl.DataFrame)
    row = found.table.filter("is_primary", arm="treated").row(0, named=True)
    assert row["verdict"] == "higher"
    assert row["difference_low"] < 0.06 < row["difference_high"]
    statuses = dict(found.checks.select("check_name", "status").iter_rows())
    assert statuses["control_exposed"] == "passed"
    assert statuses["pre_period"] == "not_checked"
    as_pandas = lydite.read_experiment(
        PLAN, conversions.to_pandas(), assignments.to_pandas(), name="email"
    )
    assert isinstance(as_pandas.table, pd.DataFrame)


def test_touchpoints_may_be_left_out(holdout):
    _, conversions, assignments = holdout
    found = lydite.read_experiment(PLAN, conversions, assignments, name="email")
    assert found.may_read == "fixed"
    statuses = dict(found.checks.select("check_name", "status").iter_rows())
    assert statuses["control_exposed"] == "not_checked"


def test_erased_users_are_left_out_without_touchpoints_too(holdout):
    _, conversions, assignments = holdout
    erasures = assignments.select("user_id").head(10)
    plan = PLAN | {"planned_users": 1_990}
    found = lydite.read_experiment(plan, conversions, assignments, name="email", erasures=erasures)
    assert found.table.filter(outcome="purchase", metric="rate")["users"].sum() == 1_990


def test_a_partial_reading_is_refused_with_the_date(holdout):
    _, conversions, assignments = holdout
    with pytest.raises(InputError, match=r"cannot be read yet.* can be read on 2026-03-09\."):
        lydite.read_experiment(PLAN, conversions, assignments, name="email", as_of="2026-03-03")


@pytest.mark.parametrize(
    ("plan", "name", "says"),
    [
        (PLAN, "other", "no user of the experiment 'other'"),
        (PLAN | {"channel": None}, "email", "plan: experiments.email"),
        (PLAN | {"outcome": "sale"}, "email", "experiments.email.outcome: there is no outcome"),
        (PLAN | {"arms": ["control", "b"]}, "email", "arm 'treated', which is not declared"),
    ],
)
def test_bad_input(holdout, plan, name, says):
    _, conversions, assignments = holdout
    with pytest.raises(InputError, match=says):
        lydite.read_experiment(plan, conversions, assignments, name=name)


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("arm", None, "missing_arm"),
        ("arm", "", "missing_arm"),
        ("arm", "  ", "missing_arm"),
        ("user_id", None, "missing_user_id"),
        ("assigned_at", None, "invalid_assigned_at"),
        ("assigned_at", datetime(2090, 1, 1), "future_assigned_at"),
    ],
)
def test_assignments_that_cannot_be_used_are_named(holdout, column, value, reason):
    _, conversions, assignments = holdout
    few = pl.when(pl.int_range(pl.len()) < 5).then(pl.lit(value)).otherwise(column).alias(column)
    plan = PLAN | {"planned_users": 1_995}
    found = lydite.read_experiment(plan, conversions, assignments.with_columns(few), name="email")
    [row] = found.table.filter(is_primary=True, arm="control").rows(named=True)
    assert row["users"] < 1_000
    [check] = found.checks.filter(check_name="rows_set_aside").rows(named=True)
    assert (check["status"], check["users"]) == ("warning", 5)
    assert reason in check["text"]


def test_an_arm_of_pandas_that_is_not_a_number_is_missing(holdout):
    _, conversions, assignments = holdout
    given = assignments.to_pandas()
    given.loc[:2, "arm"] = np.nan
    found = lydite.read_experiment(PLAN, conversions, given, name="email")
    [check] = found.checks.filter(check_name="rows_set_aside").rows(named=True)
    assert check["users"] == 3


def test_assignments_in_the_future_alone_are_refused_with_the_reason(holdout):
    _, conversions, assignments = holdout
    later = assignments.with_columns(assigned_at=pl.lit(datetime(2090, 1, 1)))
    with pytest.raises(InputError, match="2,000 assignments cannot be used.*future_assigned_at"):
        lydite.read_experiment(PLAN, conversions, later, name="email")


def test_users_unknown_to_the_touchpoints_count_and_repeated_rows_do_not(holdout):
    touchpoints, conversions, assignments = holdout
    more = assignments.with_columns(user_id=pl.format("unknown {}", "user_id"))
    given = pl.concat([assignments, more, assignments.head(10)])
    plan = PLAN | {"planned_users": 4_000}
    found = lydite.read_experiment(plan, conversions, given, name="email", touchpoints=touchpoints)
    rows = found.table.filter(is_primary=True)
    assert found.may_read == "fixed"
    assert rows["users"].to_list() == [2_000, 2_000]


def test_an_arm_without_users_is_not_read(holdout):
    _, conversions, assignments = holdout
    plan = PLAN | {"arms": ["control", "treated", "third"]}
    found = lydite.read_experiment(plan, conversions, assignments, name="email")
    assert found.may_read == "none"
    assert set(found.table["verdict"].drop_nulls()) == {"not_readable"}


def test_interactions_are_steps_of_a_message(holdout):
    touchpoints, conversions, assignments = holdout
    plan = PLAN | {"varies": "message", "outcome": "open", "outcomes": ["open", "purchase"]}
    is_open = pl.col("user_id").str.ends_with("7").not_()
    given = touchpoints.with_columns(interaction=pl.when(is_open).then(pl.lit("open")))
    found = lydite.read_experiment(plan, conversions, assignments, name="email", touchpoints=given)
    opened = found.table.filter("is_primary", arm="treated").row(0, named=True)
    assert (opened["outcome"], opened["verdict"]) == ("open", "higher")
    assert 0.8 < opened["mean"] < 1
    assert "open rate of treated: higher than in control" in found.verdict()
    with pytest.raises(InputError, match="purchase; interactions of email need touchpoints"):
        lydite.read_experiment(plan, conversions, assignments, name="email")


def test_users_need_assignments(holdout):
    with pytest.raises(InputError, match="give assignments"):
        lydite.read_experiment(PLAN, holdout[1])
