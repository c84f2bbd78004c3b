"""The chance of any wrong statement is spent once."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lydite.evaluation.error_budget import (
    PRIMARY_SHARE,
    SEGMENT_SHARE,
    ErrorBudget,
    primary_among,
    split_alpha,
)
from lydite.evaluation.verdicts import BASELINES, VOLUME

NAMES = tuple("abcdefgh")
alphas = st.floats(1e-4, 0.5)
some_names = st.lists(st.sampled_from(NAMES), unique=True)


def comparisons(names: list[str]) -> list[tuple[str, str]]:
    """Return all pairs of models, and each with the null hypothesis."""
    return [*combinations(names, 2), *((name, VOLUME) for name in names)]


@given(alphas, some_names, some_names, st.integers(1, 9), st.integers(1, 30), st.booleans())
def test_the_shares_of_all_comparisons_of_a_report_are_at_most_alpha(
    alpha, primary, compared, outcomes, segments, has_segments
):
    """Over all users, segments and outcomes."""
    all_users, of_segments = split_alpha(alpha, primary, outcomes, segments=has_segments)
    pairs = comparisons(compared)
    spent = all_users.of_pairs(pairs, BASELINES).sum()
    if has_segments:
        spent += segments * (of_segments.of_pairs(pairs, BASELINES) / segments).sum()
    else:
        assert of_segments.of_others == of_segments.of_primary == 0
    assert outcomes * spent <= alpha * (1 + 1e-12)
    if has_segments or not pairs:
        return
    # Nothing is left over either, unless no comparison of a family is made.
    counted = {*primary, *BASELINES}
    kinds = {counted.issuperset(pair) for pair in pairs}
    if kinds != {False}:
        assert outcomes * spent == pytest.approx(alpha)


@given(alphas, some_names, some_names)
def test_every_comparison_has_a_share(alpha, primary, compared):
    budget, of_segments = split_alpha(alpha, primary, 2, segments=True)
    pairs = comparisons(compared)
    for own in (budget, of_segments):
        shares = own.of_pairs(pairs, BASELINES)
        assert shares.shape == (len(pairs),)
        assert (shares > 0).all()


def test_primary_models_have_the_larger_part():
    budget, of_segments = split_alpha(0.05, ["a", "b"], 2, segments=True)
    pairs = comparisons(list("abcd"))
    shares = dict(zip(pairs, budget.of_pairs(pairs, BASELINES), strict=True))
    primary = [("a", "b"), ("a", VOLUME), ("b", VOLUME)]
    for pair, share in shares.items():
        expected = 0.6 / 3 if pair in primary else 0.2 / (len(pairs) - 3)
        assert share == pytest.approx(0.025 * expected)
    assert of_segments.of_pairs(pairs, BASELINES) == pytest.approx(
        [0.025 * 0.2 / len(pairs)] * len(pairs)
    )
    assert (PRIMARY_SHARE, SEGMENT_SHARE) == (0.6, 0.2)


def test_without_segments_their_share_is_for_other_models():
    all_users, of_segments = split_alpha(0.05, ["a"], 1, segments=False)
    assert all_users.of_primary == pytest.approx(0.03)
    assert all_users.of_others == pytest.approx(0.02)
    assert of_segments.of_others == 0


def test_primary_models_alone_have_the_share_of_others_too():
    all_users, _ = split_alpha(0.05, ["a", "b"], 1, segments=False)
    shares = all_users.of_pairs(comparisons(["a", "b"]), BASELINES)
    assert shares == pytest.approx([0.05 / 3] * 3)


def test_a_flat_budget_treats_all_comparisons_alike():
    pairs = comparisons(list("abc"))
    assert ErrorBudget.flat(0.1).of_pairs(pairs, BASELINES) == pytest.approx([0.1 / 6] * 6)


def test_without_comparisons_there_are_no_shares():
    for budget in (ErrorBudget.flat(0.1), *split_alpha(0.1, ["a"], 1, segments=True)):
        assert len(budget.of_pairs([], BASELINES)) == 0


@given(st.lists(st.sampled_from(NAMES), unique=True), some_names)
def test_primary_models_are_those_that_are_compared_or_all(primary, compared):
    found = primary_among(primary, compared)
    both = [name for name in compared if name in primary]
    assert list(found) == (both if len(both) > 1 else compared)


def test_the_baselines_count_as_one_null_hypothesis():
    """A comparison with either is of the same kind."""
    budget = ErrorBudget(frozenset("a"), 0.03, 0.02)
    one, other = (
        budget.of_pairs([("a", baseline), ("b", baseline)], BASELINES) for baseline in BASELINES
    )
    np.testing.assert_array_equal(one, other)
    assert one.tolist() == [0.03, 0.02]
