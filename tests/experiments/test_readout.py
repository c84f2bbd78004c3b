"""Rows of a readout, against direct computation."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from scipy import stats

from lydite.experiments.enrolment import enrol
from lydite.experiments.readout import COLUMNS, finish_rows, observe, read_arms, verdict_of
from tests.experiments.conftest import START, plan_of, units_of

pytest.importorskip("tea_tasting")

LATER = START + timedelta(days=900)


def conversions_of(units, rng, rates, before=0.0):
    """Return conversions with a rate per arm, and a value of 10 each."""
    p = units["arm"].replace_strict(rates, return_dtype=pl.Float64).to_numpy()
    n = rng.poisson(p)
    earlier = rng.poisson(before, len(units)) if before else np.zeros(len(units), dtype=int)
    frame = pl.DataFrame(
        {
            "person": units["person"],
            "conversions": n,
            "value": 10.0 * n,
            "conversions_before": earlier,
            "value_before": 10.0 * earlier,
        }
    )
    return frame.filter((pl.col("conversions") > 0) | (pl.col("conversions_before") > 0))


def rows_of(plan, units, conversions, metric="rate"):
    numbers = {arm: i for i, arm in enumerate(plan.arms)}
    enrolment = enrol("test", plan, units, LATER)
    observed = observe(numbers, enrolment.units, conversions)
    return list(read_arms(plan, enrolment, "purchase", metric, observed))


def test_rates_and_values_are_those_of_the_users(rng):
    units = units_of(["control", "treated"] * 2_000)
    conversions = conversions_of(units, rng, {"control": 0.2, "treated": 0.3})
    joined = units.join(conversions, on="person", how="left").fill_null(0)
    groups = [joined.filter(pl.col("arm") == arm) for arm in ("control", "treated")]
    for metric in ("rate", "value"):
        control, treated = rows_of(plan_of(planned_users=4_000), units, conversions, metric)
        outcome = [
            (g["conversions"] > 0).to_numpy() if metric == "rate" else g["value"].to_numpy()
            for g in groups
        ]
        oracle = stats.ttest_ind(
            outcome[1].astype(float), outcome[0].astype(float), equal_var=False
        )
        assert treated["p_value"] == pytest.approx(oracle.pvalue)
        assert treated["difference"] == pytest.approx(outcome[1].mean() - outcome[0].mean())
        assert (control["mean"], treated["mean"]) == pytest.approx([o.mean() for o in outcome])
        assert treated["converted"] == (groups[1]["conversions"] > 0).sum()
        assert treated["value"] == groups[1]["value"].sum()
        assert "difference" not in control


def test_users_without_rows_count_with_nothing(rng):
    units = units_of(["control", "treated"] * 200)
    control, treated = rows_of(
        plan_of(), units, conversions_of(units, rng, dict.fromkeys(("control", "treated"), 0.0))
    )
    assert (control["users"], treated["users"], treated["mean"]) == (200, 200, 0)
    assert (treated.get("p_value"), treated["users_needed"]) == (None, None)


def test_with_few_conversions_there_is_a_difference_and_no_interval(rng):
    units = units_of(["control"] * 40 + ["treated"] * 360)
    plan = plan_of(arms={"control": 1, "treated": 9})
    few = conversions_of(units, rng, {"control": 0.1, "treated": 0.1})
    _, treated = rows_of(plan, units, few)
    assert treated["difference"] is not None
    assert "difference_low" not in treated
    assert "always_low" not in treated
    [_, row] = finish_rows("test", plan, rows_of(plan, units, few), "fixed", None)
    assert row["verdict"] == "undecided"


def test_earlier_conversions_reduce_the_variance(rng):
    units = units_of(["control", "treated"] * 3_000)
    habit = rng.gamma(0.3, 1, len(units))
    conversions = pl.DataFrame(
        {
            "person": units["person"],
            "conversions": rng.poisson(habit),
            "value": rng.poisson(habit) * 10.0,
            "conversions_before": rng.poisson(5 * habit),
            "value_before": rng.poisson(5 * habit) * 10.0,
        }
    )
    _, treated = rows_of(plan_of(planned_users=6_000), units, conversions)
    assert 0.2 < treated["variance_reduction"] < 0.6
    width = treated["adjusted_high"] - treated["adjusted_low"]
    plain = treated["difference_high"] - treated["difference_low"]
    assert (width / plain) ** 2 == pytest.approx(1 - treated["variance_reduction"], rel=1e-3)


def test_clusters_widen_the_interval(rng):
    accounts = np.repeat(np.arange(400), 5)
    units = units_of(np.where(accounts % 2, "control", "treated").tolist())
    buys = np.repeat(rng.random(400) < 0.3, 5)
    conversions = pl.DataFrame(
        {"person": units["person"], "conversions": buys.astype(int), "value": buys * 1.0,
         "conversions_before": 0, "value_before": 0.0}
    )  # fmt: skip
    widths = []
    for cluster in (units["person"], pl.Series([str(i) for i in accounts])):
        _, row = rows_of(plan_of(planned_users=2_000), units.with_columns(cluster=cluster),
                         conversions)  # fmt: skip
        widths.append(row["difference_high"] - row["difference_low"])
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(5), rel=0.02)


def test_the_interval_of_every_look_is_wider_and_narrows_towards_the_plan(rng):
    units = units_of(["control", "treated"] * 1_000)
    conversions = conversions_of(units, rng, {"control": 0.2, "treated": 0.2})
    ratio = []
    for planned in (2_000, 40_000):
        _, row = rows_of(plan_of(planned_users=planned), units, conversions)
        fixed = row["difference_high"] - row["difference_low"]
        ratio.append((row["always_high"] - row["always_low"]) / fixed)
    assert ratio[0] == pytest.approx(1.55, abs=0.01)
    assert ratio[1] > ratio[0]


def test_with_three_arms_sizes_are_of_the_whole_experiment(rng):
    units = units_of(["control", "a", "b"] * 1_000)
    rates = dict.fromkeys(("control", "a", "b"), 0.2)
    plan = plan_of(arms=["control", "a", "b"], planned_users=3_000)
    control, a, _ = rows_of(plan, units, conversions_of(units, rng, rates))
    p, lift = control["mean"], plan.smallest_effect
    z = stats.norm.isf(0.025) + stats.norm.isf(0.2)
    q = p * (1 + lift)
    both = z**2 * (p * (1 - p) + q * (1 - q)) / (p * lift) ** 2
    assert a["users_needed"] == pytest.approx(3 * both, rel=0.01)
    per_arm = 2 * z**2 * (1 - p) / p / lift**2
    assert a["detectable"] == pytest.approx(lift * np.sqrt(per_arm / 1_000), rel=0.01)


def test_all_columns_are_there_and_p_values_are_adjusted_over_outcomes_and_arms():
    rows = [
        {"arm": arm, "outcome": outcome, "metric": "rate", "p_value": p, "difference": 1.0}
        for outcome in ("open", "click")
        for arm, p in (("control", None), ("treated", 0.03))
    ]
    found = finish_rows("test", plan_of(), rows, "fixed", None)
    assert all(list(row) == list(COLUMNS) for row in found)
    assert [row["p_holm"] for row in found] == [None, 0.06, None, 0.06]
    assert [row["verdict"] for row in found] == [None, "undecided", None, "undecided"]


@pytest.mark.parametrize(
    ("row", "may_read", "verdict"),
    [
        ({"p_holm": 0.01, "difference": 1.0}, "fixed", "higher"),
        ({"p_holm": 0.01, "difference": -1.0}, "fixed", "lower"),
        ({"p_holm": 0.01, "always_p_holm": 0.2, "difference": 1.0}, "always_valid", "undecided"),
        ({"p_holm": 0.2, "always_p_holm": 0.01, "difference": 1.0}, "always_valid", "higher"),
        ({"p_holm": 0.01, "difference": 1.0}, "none", "not_readable"),
        ({"p_holm": 0.5, "relative_low": -0.05, "relative_high": 0.09}, "fixed", "too_small"),
        ({"p_holm": 0.5, "relative_low": -0.05, "relative_high": 0.11}, "fixed", "undecided"),
        (
            {"control_mean": 2.0, "always_low": -0.1, "always_high": 0.1},
            "always_valid",
            "too_small",
        ),
        (
            {"control_mean": 0.0, "always_low": -0.1, "always_high": 0.1},
            "always_valid",
            "undecided",
        ),
        ({}, "fixed", "undecided"),
    ],
)
def test_verdicts(row, may_read, verdict):
    assert verdict_of(plan_of(), row, may_read) == verdict
