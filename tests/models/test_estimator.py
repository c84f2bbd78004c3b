"""Models as scikit-learn takes estimators, without importing scikit-learn."""

from __future__ import annotations

import subprocess
import sys

import pytest
from sklearn import base
from sklearn.exceptions import NotFittedError
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils import get_tags

from lydite.models import BaggedLogistic, Classifier, Markov, make_model
from lydite.models.estimator import check_is_fitted, clone
from lydite.models.registry import DEFAULT_MODELS


@pytest.mark.parametrize("name", DEFAULT_MODELS)
@pytest.mark.parametrize("copy_of", [clone, base.clone], ids=["lydite", "scikit-learn"])
def test_a_copy_has_the_same_parameters_and_is_not_fitted(name, copy_of):
    model = make_model(name)
    model.rates_ = [1.0]
    found = copy_of(model)
    assert type(found) is type(model)
    assert found.fingerprint == model.fingerprint
    assert not hasattr(found, "rates_")
    assert not {"name", "claim"} & set(found.get_params()) or found.claim == model.claim


def test_an_estimator_among_the_parameters_is_copied_too():
    model = Classifier(DecisionTreeClassifier(max_depth=2))
    model.estimator.tree_ = object()
    found = clone(model)
    assert found.estimator is not model.estimator
    assert not hasattr(found.estimator, "tree_")
    assert found.get_params()["estimator__max_depth"] == 2
    assert found.set_params(estimator__max_depth=3).estimator.max_depth == 3
    assert model.estimator.max_depth == 2


def test_parameters_are_those_of_the_constructor():
    model = BaggedLogistic(bags=3)
    assert model.get_params() == {"bags": 3, "channel_share": 1.0, "sample_share": 0.5, "seed": 0}
    assert repr(model.set_params(seed=2)) == "BaggedLogistic(bags=3, seed=2)"
    assert repr(Markov(2)) == "Markov(order=2)"
    with pytest.raises(ValueError, match=r"no parameter 'bag'; it has: bags"):
        model.set_params(bag=1)


def test_scikit_learn_asks_for_tags():
    assert get_tags(Markov(1)).requires_fit


def test_what_is_not_fitted_says_so():
    with pytest.raises(NotFittedError, match="Markov is not fitted yet"):
        check_is_fitted(Markov(1), "rates_")


def test_credit_from_paths_does_not_wait_for_scikit_learn():
    code = (
        "import sys, polars as pl, lydite;"
        "lydite.credit(pl.DataFrame({'path': ['a > b'], 'conversions': [2], 'nulls': [3]}),"
        " models=['linear', 'markov_1', 'shapley'], intervals=False);"
        "assert not {'sklearn', 'scipy.stats', 'scipy.optimize'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
