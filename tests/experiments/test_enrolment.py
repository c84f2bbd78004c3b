"""Who counts in an experiment, and from when on it can be read."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from lydite.errors import InputError
from lydite.experiments.enrolment import MIN_USERS, enrol
from tests.experiments.conftest import START, plan_of, units_of

HALVES = ["control", "treated"]
LATER = START + timedelta(days=90)


def test_an_experiment_is_closed_by_the_planned_number_and_later_users_are_left_out():
    found = enrol("test", plan_of(planned_users=300), units_of(HALVES * 200), LATER)
    assert (len(found.enrolled), found.late, found.is_closed) == (300, 100, True)
    assert (found.waiting, found.may_read) == (0, "fixed")
    assert found.readable_on == START + timedelta(hours=299, days=7)


def test_users_assigned_at_the_same_time_as_the_last_planned_one_count():
    units = units_of(HALVES * 200).with_columns(assigned_at=pl.lit(START))
    found = enrol("test", plan_of(planned_users=300), units, LATER)
    assert (len(found.enrolled), found.late) == (400, 0)


def test_before_the_planned_number_only_the_interval_of_every_look_may_be_read():
    found = enrol("test", plan_of(planned_users=10_000), units_of(HALVES * 200), LATER)
    assert (found.is_closed, found.may_read) == (False, "always_valid")
    expected = START + timedelta(hours=9_999, days=7)
    assert abs(found.readable_on - expected) < timedelta(minutes=1)


def test_users_whose_window_is_not_over_are_not_read():
    end = START + timedelta(days=7, hours=99)
    found = enrol("test", plan_of(), units_of(HALVES * 200), end)
    assert (len(found.units), found.waiting, found.may_read) == (100, 300, "none")
    more = enrol("test", plan_of(), units_of(HALVES * 200), end + timedelta(hours=2 * MIN_USERS))
    assert more.may_read == "always_valid"


def test_nothing_may_be_read_before_the_first_window_is_over():
    found = enrol("test", plan_of(), units_of(HALVES * 200), START + timedelta(days=2))
    assert (len(found.units), found.may_read) == (0, "none")
    assert enrol("test", plan_of(), units_of(HALVES), None).may_read == "none"


def test_a_declared_end_closes_the_experiment_with_whom_it_has():
    plan = plan_of(start=START + timedelta(hours=10), end=START + timedelta(hours=210))
    found = enrol("test", plan, units_of(HALVES * 200), LATER)
    assert (len(found.enrolled), found.outside_dates, found.is_closed) == (200, 200, True)
    assert found.may_read == "fixed"
    early = enrol("test", plan, units_of(HALVES * 200), plan.end - timedelta(hours=1))
    assert (early.is_closed, early.readable_on) == (False, plan.end + plan.window)


def test_users_in_two_arms_are_left_out():
    units = units_of(HALVES * 200).with_columns(arms=pl.Series([2, 2] + [1] * 398))
    found = enrol("test", plan_of(planned_users=398), units, LATER)
    assert (found.two_arms, len(found.units)) == (2, 398)


def test_an_arm_that_is_not_declared_is_refused():
    with pytest.raises(InputError, match=r"experiments\.test\.arms.*arm 'third'.*control, treated"):
        enrol("test", plan_of(), units_of([*HALVES, "third"]), LATER)


@pytest.mark.parametrize("arm", ["Control", " control", "CONTROL "])
def test_an_arm_that_is_spelled_differently_is_named(arm):
    with pytest.raises(InputError, match=r"Is it 'control', spelled differently\?"):
        enrol("test", plan_of(), units_of([*HALVES, arm]), LATER)


def test_an_experiment_without_users_of_the_control_arm_is_refused():
    with pytest.raises(InputError, match="no user is in the control arm 'control'"):
        enrol("test", plan_of(), units_of(["treated"] * 5), LATER)
