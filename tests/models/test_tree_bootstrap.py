"""Decision trees of all replicates at once: the trees that scikit-learn grows one by one."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from lydite.models import make_model
from lydite.models.base import FeatureCounts
from lydite.models.tree_bootstrap import Trees, grow, least_leaf_share
from lydite.paths.landmarks import UniqueFeatures

CHANNELS = 6
SETS = np.array(list(product([False, True], repeat=CHANNELS)))[1:]


def draw_counts(rng: np.random.Generator, trees: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw landmarks and conversions that are no integers, so that no splits are equally good."""
    trials = rng.gamma(0.5, 200, size=(trees, len(SETS)))
    trials[rng.random(trials.shape) < 0.3] = 0
    return trials, trials * rng.beta(2, 30, size=trials.shape)


def fitted(trials: np.ndarray, conversions: np.ndarray, share: float) -> DecisionTreeClassifier:
    weight = np.concatenate([conversions, trials - conversions])
    rows, outcome = np.concatenate([SETS, SETS]), np.repeat([1, 0], len(SETS))
    tree = DecisionTreeClassifier(min_weight_fraction_leaf=share, random_state=0)
    return tree.fit(rows[weight > 0], outcome[weight > 0], sample_weight=weight[weight > 0])


@pytest.mark.parametrize("share", [0.01, 0.05, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_trees_are_those_of_scikit_learn(seed, share):
    trials, conversions = draw_counts(np.random.default_rng(seed), trees=4)
    forecast = grow(SETS, trials, conversions, share).forecast(SETS)
    for number in range(4):
        tree = fitted(trials[number], conversions[number], share)
        # Of other sets, equally good splits may forecast different rates.
        seen = trials[number] > 0
        expected = tree.predict_proba(SETS)[:, 1]
        np.testing.assert_allclose(forecast[number, seen], expected[seen], rtol=1e-9)


def test_a_tree_asks_nothing_where_all_landmarks_have_one_outcome():
    trials = np.full((2, len(SETS)), 3.0)
    trees = grow(SETS, trials, trials * np.array([[0.0], [1.0]]), 0.01)
    assert isinstance(trees, Trees)
    assert trees.depth == 0
    np.testing.assert_array_equal(trees.forecast(SETS)[:, 0], [0, 1])


def test_of_equally_good_splits_the_first_channel_is_asked_for():
    sets = np.array([[False, False], [True, True]])
    trees = grow(sets, np.array([[50.0, 50.0]]), np.array([[1.0, 20.0]]), 0.01)
    assert trees.channel.tolist() == [0, -1, -1]


def test_replicates_are_those_of_single_fits():
    rng = np.random.default_rng(7)
    units = 30
    trials = rng.poisson(3.0, (len(SETS), units))
    conversions = rng.binomial(trials, 0.1)
    conversions[:, 0] = 0  # one replicate has this unit only
    features = UniqueFeatures(np.arange(len(SETS)), sparse.csr_array(SETS.astype(float)))
    statistics = FeatureCounts(
        features, *(sparse.csr_array(own.astype(float)) for own in (trials, conversions))
    )
    # Weights that are no integers, so that no splits are equally good.
    weights = rng.gamma(1.0, size=(60, units))
    weights[3] = 0
    weights[3, 0] = 1
    model, single = make_model("decision_tree"), make_model("decision_tree")
    amounts = [rng.random(len(SETS)) for _ in range(2)]
    for row, refit in zip(weights, model.refits(statistics, weights), strict=True):
        single.fit_credit(statistics, row)
        expected = single.forecast_unique(features)
        np.testing.assert_allclose(refit.forecast_unique(features), expected, rtol=1e-9)
        found, own = (one.credit(features, amounts) for one in (refit, single))
        np.testing.assert_allclose(found, own, atol=1e-9)


def test_only_plain_trees_are_grown_at_once():
    assert least_leaf_share(DecisionTreeClassifier(min_weight_fraction_leaf=0.1)) == 0.1
    assert least_leaf_share(DecisionTreeClassifier(max_depth=2)) is None
    assert least_leaf_share(LogisticRegression()) is None
