"""Credit compared with experiments, in simulations with a known effect."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest
from scipy import stats

from lydite.experiments.agreement import MARGIN, compare_credit, judge_models, rank_by_distance

USERS = 40_000


def holdout(rng, users=USERS, share=1.0, leak=0.0, effect=0.05):
    """Return a holdout in which the channel is credited with all purchases after its touches.

    Of these, a `share` is caused by it: the others would have come anyway.
    """
    treated = rng.permutation(np.arange(users) % 2).astype(bool)
    exposed = treated | (rng.random(users) < leak)
    caused = exposed & (rng.random(users) < effect * share)
    anyway = rng.random(users) < 0.05
    credited_anyway = exposed & (rng.random(users) < effect * (1 - share))
    unexposed_anyway = ~exposed & (rng.random(users) < effect * (1 - share))
    conversions = 1.0 * caused + anyway + credited_anyway + unexposed_anyway
    return conversions, 1.0 * caused + credited_anyway, treated


def compare(rng, *, rivals=1, covariates=None, cluster=None, **world):
    conversions, credit, treated = holdout(rng, **world)
    n = len(treated)
    return compare_credit(
        conversions,
        credit,
        treated,
        np.arange(n) if cluster is None else cluster,
        np.zeros((n, 0)) if covariates is None else covariates,
        rivals=rivals,
    )


def test_measured_and_credited_are_conversions_of_the_treated_users(rng):
    conversions, credit, treated = holdout(rng)
    found = compare_credit(conversions, credit, treated, np.arange(USERS), np.zeros((USERS, 0)))
    difference = conversions[treated].mean() - conversions[~treated].mean()
    assert found.measured == pytest.approx(difference * treated.sum())
    assert found.credited == pytest.approx(credit[treated].mean() * treated.sum())
    rest = conversions - credit
    oracle = stats.ttest_ind(rest[treated], rest[~treated], equal_var=False)
    assert found.z == pytest.approx(oracle.statistic, rel=1e-3)
    assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-2)


def test_credit_that_is_caused_agrees(rng):
    found = compare(rng, users=200_000)
    assert found.status == "agrees"
    assert found.low < 1 < found.high


def test_credit_for_what_comes_anyway_is_overstated(rng):
    found = compare(rng, share=0.0)
    assert found.status == "overstates"
    assert found.low < 0 < found.high < 0.75


def test_small_experiments_are_uninformative_and_say_what_it_takes(rng):
    found = compare(rng, users=600, share=0.5)
    assert found.status == "uninformative"
    assert found.users_needed > 600
    # With that many users, a share of 1 - MARGIN is found with 80 % probability.
    rejected = [
        compare(rng, users=found.users_needed // 2 * 2, share=1 - MARGIN).p_value <= 0.05
        for _ in range(60)
    ]
    assert np.mean(rejected) > 0.55


def test_exposed_control_users_are_taken_into_account(rng):
    found = [compare(rng, leak=0.3) for _ in range(30)]
    assert abs(np.mean([one.z for one in found])) < 0.6
    assert found[0].measured == pytest.approx(0.7 * 0.05 * USERS / 2, rel=0.3)


def test_right_credit_is_called_wrong_as_rarely_as_promised(rng):
    p = [compare(rng, users=4_000).p_value for _ in range(400)]
    assert np.mean(np.array(p) <= 0.05) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 400)


def test_fiellers_interval_covers_the_true_share(rng):
    found = [compare(rng, share=0.5, users=20_000) for _ in range(200)]
    covered = [one.low is None or one.low <= 0.5 <= one.high for one in found]
    assert np.mean(covered) >= 0.9


def test_covariates_reduce_the_variance(rng):
    habit = rng.gamma(0.5, 0.4, USERS)
    treated = rng.permutation(np.arange(USERS) % 2).astype(bool)
    conversions = rng.poisson(habit).astype(float)
    credit = np.where(treated & (rng.random(USERS) < 0.3), conversions, 0.0)
    before = rng.poisson(6 * habit)[:, None].astype(float)
    plain, reduced = (
        compare_credit(conversions, credit, treated, np.arange(USERS), x)
        for x in (np.zeros((USERS, 0)), before)
    )
    assert reduced.measured_variance < 0.85 * plain.measured_variance


def test_users_who_behave_alike_widen_the_interval(rng):
    conversions, credit, treated = holdout(rng, users=4_000)
    five = [np.repeat(values, 5) for values in (conversions, credit, treated)]
    users = compare_credit(*five, np.arange(20_000), np.zeros((20_000, 0)))
    groups = compare_credit(*five, np.repeat(np.arange(4_000), 5), np.zeros((20_000, 0)))
    assert groups.measured_variance / users.measured_variance == pytest.approx(5, rel=0.01)


def test_a_model_that_credits_nothing_has_no_factor(rng):
    conversions, _, treated = holdout(rng)
    found = compare_credit(
        conversions, np.zeros(USERS), treated, np.arange(USERS), np.zeros((USERS, 0))
    )
    assert (found.incrementality, found.low, found.users_needed) == (None, None, None)
    assert found.status == "understates"


def test_more_rivals_need_stronger_evidence(rng):
    found = [compare(rng, share=0.6, users=6_000, rivals=n) for n in (1, 10**6)]
    assert found[1].status == "uninformative"
    assert found[1].users_needed > found[0].users_needed


def row(experiment, model, z, status, day=1):
    return {"experiment": experiment, "outcome": "purchase", "model": model, "z": z,
            "status": status, "read_on": date(2026, 3, day)}  # fmt: skip


def verdicts(*rows):
    found = judge_models(pl.DataFrame(rows), 0.05)
    return {one["model"]: one for one in found.iter_rows(named=True)}


def test_experiments_add_up_to_one_verdict():
    found = verdicts(
        row("a", "linear", -2.0, "uninformative"), row("b", "linear", 3.0, "uninformative", 2),
        row("a", "shapley", 0.5, "agrees"), row("b", "shapley", -0.2, "agrees"),
        row("a", "markov_1", 0.5, "agrees"), row("b", "markov_1", 1.0, "uninformative"),
    )  # fmt: skip
    assert {model: one["verdict"] for model, one in found.items()} == {
        "linear": "contradicted", "shapley": "agrees", "markov_1": "uninformative",
    }  # fmt: skip
    linear = found["linear"]
    assert (linear["experiment"], linear["read_on"]) == ("b", date(2026, 3, 2))
    assert (linear["experiments"], linear["chi_square"]) == (2, 13.0)
    assert linear["p_value"] == pytest.approx(stats.chi2.sf(13, 2))
    assert found["shapley"]["experiment"] is None


def test_alpha_is_divided_by_the_number_of_models():
    one = [row("a", "linear", -2.2, "uninformative")]
    assert verdicts(*one)["linear"]["verdict"] == "contradicted"
    others = [row("a", f"m{i}", 0.0, "uninformative") for i in range(9)]
    assert verdicts(*one, *others)["linear"]["verdict"] == "uninformative"


def test_without_a_comparison_nothing_is_known():
    assert verdicts(row("a", "linear", None, "uninformative"))["linear"]["verdict"] == (
        "uninformative"
    )


def test_the_closest_model_is_the_one_with_the_smallest_errors_of_measurement():
    rows = pl.DataFrame(
        [
            ("purchase", "near", 10.0, 4.0, 14.0),
            ("purchase", "near", 0.0, 9.0, 0.0),
            ("purchase", "far", 10.0, 4.0, 10.0),
            ("purchase", "far", 0.0, 9.0, 9.0),
            ("lead", "far", 0.0, 1.0, 1.0),
        ],
        ["outcome", "model", "measured", "measured_variance", "credited"],
        orient="row",
    )
    found = rank_by_distance(rows).rows()
    assert found == [
        ("purchase", "near", pytest.approx(np.sqrt(2)), 1),
        ("purchase", "far", pytest.approx(np.sqrt(4.5)), 2),
        ("lead", "far", 1.0, 1),
    ]
