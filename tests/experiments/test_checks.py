"""Checks of the randomisation, against scipy and constructed faults."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from lydite.experiments.checks import (
    check_clusters,
    check_enrolment,
    check_known_users,
    check_pre_period,
    check_rows,
    check_sample_ratio,
)
from lydite.experiments.enrolment import enrol
from lydite.experiments.two_samples import Arm
from tests.experiments.conftest import START, plan_of, units_of

LATER = START + timedelta(days=90)


def test_assignments_that_cannot_be_used_are_counted_by_reason():
    def explain(reason):
        return f" (such as {reason!r})", "fill it"

    assert check_rows({}, explain).status == "passed"
    found = check_rows({"missing_arm": 1_000, "future_assigned_at": 4}, explain)
    assert (found.status, found.users) == ("warning", 1_004)
    assert "1,004 assignments cannot be used" in found.text
    assert "missing_arm 1,000, future_assigned_at 4 (such as 'missing_arm')." in found.text
    assert found.text.endswith(": fill it.")
    one = check_rows({"missing_arm": 1}, explain)
    assert "1 assignment cannot be used and is set aside" in one.text


def checks_of(plan, units, *, end=LATER, has_touchpoints=True):
    found = check_enrolment(plan, enrol("test", plan, units, end), has_touchpoints=has_touchpoints)
    return {check.check_name: check for check in found}


def halves(n):
    return units_of(["control", "treated"] * (n // 2))


def test_a_sample_ratio_against_scipy():
    units = units_of(["control"] * 95 + ["a"] * 210 + ["b"] * 195)
    found = check_sample_ratio({"control": 0.2, "a": 0.4, "b": 0.4}, units)
    assert found.p_value == pytest.approx(stats.chisquare([95, 210, 195], [100, 200, 200]).pvalue)
    assert found.status == "passed"


def test_a_sample_ratio_mismatch_fails():
    found = check_sample_ratio(
        {"control": 0.5, "treated": 0.5}, units_of(["control"] * 900 + ["treated"] * 1100)
    )
    assert found.status == "failed"
    assert "control 900, treated 1,100; planned: control 1,000, treated 1,000" in found.text


def test_groups_that_are_in_one_arm_are_counted_once():
    units = units_of(["control"] * 600 + ["treated"] * 400)
    # 10 groups of 60 against 10 groups of 40: as many groups, but not as many users.
    groups = [f"c{i // 60}" for i in range(600)] + [f"t{i // 40}" for i in range(400)]
    shares = {"control": 0.5, "treated": 0.5}
    assert check_sample_ratio(shares, units).status == "failed"
    assert check_sample_ratio(shares, units.with_columns(cluster=pl.Series(groups))).p_value == 1


def test_an_arm_without_users_is_a_mismatch():
    units = units_of(["control"] * 100)
    assert check_sample_ratio({"control": 0.5, "treated": 0.5}, units).status == "failed"


def test_everything_passes_where_nothing_is_wrong():
    found = checks_of(plan_of(), halves(400))
    assert {check.status for check in found.values()} == {"passed"}


@pytest.mark.parametrize(("n", "status"), [(2, "warning"), (20, "failed")])
def test_users_in_two_arms(n, status):
    units = halves(400).with_columns(arms=pl.Series([2] * n + [1] * (400 - n)))
    found = checks_of(plan_of(planned_users=300), units)["two_arms"]
    assert (found.status, found.users) == (status, n)
    assert found.share == pytest.approx(n / 400)


def test_early_exposure_warns_and_fails_if_it_differs_between_the_arms():
    even = halves(400).with_columns(exposed_early=pl.Series([1, 1] * 30 + [0] * 340))
    assert checks_of(plan_of(), even)["exposed_early"].status == "warning"
    uneven = halves(400).with_columns(exposed_early=pl.Series([1, 0] * 30 + [0] * 340))
    found = checks_of(plan_of(), uneven)["exposed_early"]
    assert (found.status, found.users) == ("failed", 30)
    oracle = stats.chi2_contingency([[30, 170], [0, 200]])
    assert found.p_value == pytest.approx(oracle.pvalue)


def test_control_users_with_touches_of_the_channel_are_counted():
    units = halves(400).with_columns(exposed=pl.Series([1, 1] * 10 + [0] * 380))
    found = checks_of(plan_of(), units)["control_exposed"]
    assert (found.status, found.users, found.share) == ("warning", 10, 0.05)
    assert checks_of(plan_of(varies="message"), units)["control_exposed"].status == "not_checked"


def test_users_without_touches_count():
    found = checks_of(plan_of(), halves(400))["no_touches"]
    assert (found.status, found.users) == ("passed", 400)


def test_without_touchpoints_exposure_is_not_checked():
    found = checks_of(plan_of(), halves(400), has_touchpoints=False)
    assert found["control_exposed"].status == "not_checked"


def test_a_reading_before_the_planned_size_waits():
    found = checks_of(plan_of(planned_users=1_000), halves(400))["planned_size"]
    assert (found.status, found.share) == ("waiting", 0.4)
    over = checks_of(plan_of(planned_users=1_000, end="2026-04-01"), halves(400))["planned_size"]
    assert over.status == "warning"


def test_windows_beyond_the_data_name_the_date_on_which_they_end():
    found = checks_of(plan_of(), halves(400), end=START + timedelta(days=10))["windows"]
    assert (found.status, found.users) == ("waiting", 400 - 73)
    assert "can be read on 2026-03-24." in found.text


def test_assignments_outside_the_dates():
    plan = plan_of(start=START + timedelta(hours=4))
    assert checks_of(plan, halves(400))["assignment_dates"].users == 4


def users_with(mean, n, rng):
    return Arm(np.ones(n), rng.poisson(mean, n).astype(float))


def test_arms_that_were_not_alike_before_fail(rng):
    arms = {"control": users_with(0.1, 9_000, rng), "treated": users_with(0.13, 9_000, rng)}
    assert check_pre_period(arms, "purchase").status == "failed"


def test_the_pre_period_of_two_arms_is_a_z_test_and_of_three_is_calibrated(rng):
    two = {"control": users_with(0.1, 900, rng), "treated": users_with(0.1, 800, rng)}
    one, other = two.values()
    z = (one.mean - other.mean) / np.sqrt(one.variance + other.variance)
    assert check_pre_period(two, "purchase").p_value == pytest.approx(2 * stats.norm.sf(abs(z)))
    p = [
        check_pre_period({a: users_with(0.3, 500, rng) for a in "abc"}, "purchase").p_value
        for _ in range(400)
    ]
    assert stats.kstest(p, "uniform").pvalue > 0.001


def test_without_conversions_before_there_is_nothing_to_compare():
    nothing = Arm(np.ones(10), np.zeros(10))
    found = check_pre_period({"control": nothing, "treated": nothing}, "purchase")
    assert found.status == "not_checked"


def test_an_arm_whose_users_never_converted_before_is_not_alike():
    usual, none = (
        Arm(np.ones(900), np.repeat([1.0, 0.0], [60, 840])),
        Arm(np.ones(900), np.zeros(900)),
    )
    found = check_pre_period({"control": usual, "treated": none}, "purchase")
    assert found.status == "failed"
    # With the variance of the other arm for both.
    z = usual.mean / np.sqrt(2 * usual.variance)
    assert found.p_value == pytest.approx(2 * stats.norm.sf(z))


def known(*counts):
    """Return the arms and the users, so many of whom of 500 per arm are known from before."""
    arms = {
        f"arm_{i}": Arm(np.ones(500), np.repeat([1.0, 0.0], [n, 500 - n]))
        for i, n in enumerate(counts)
    }
    is_known = [number < n for n in counts for number in range(500)]
    return arms, pl.DataFrame({"is_known": is_known})


def test_users_who_are_known_to_the_same_shares_pass():
    found = check_known_users(*known(300, 310))
    assert (found.status, found.users, found.share) == ("passed", 610, 0.61)
    assert "arm_0 60.0%, arm_1 62.0%" in found.text
    # Without anybody from before there is nothing to compare.
    new = check_known_users(known(0, 0)[0], known(10, 10)[1])
    assert (new.status, new.p_value) == ("passed", None)


def test_ids_of_another_system_fail_in_one_arm_and_in_all():
    one = check_known_users(*known(300, 0))
    assert one.status == "failed"
    assert "the ids of one come from another system" in one.text
    every = check_known_users(*known(0, 0))
    assert (every.status, every.users) == ("failed", 0)
    assert every.text.startswith("None of the 1,000 users has a touch or a conversion")


def test_groups_in_two_arms():
    units = halves(8).with_columns(cluster=pl.Series(["a", "a", "b", "c", "b", "c", "d", "e"]))
    found = check_clusters(units)
    assert (found.status, found.users, found.share) == ("warning", 2, pytest.approx(1 / 3))
    same_arm = units.filter(pl.col("cluster") != "a")
    assert check_clusters(same_arm).status == "passed"
    assert check_clusters(halves(8)).text == "No users belong together."
