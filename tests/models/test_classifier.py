"""Classifiers of scikit-learn as models."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    BaggingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, PolynomialFeatures, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

from lydite.errors import InputError
from lydite.models import classifier as module
from lydite.models.classifier import Classifier, snake_case, weight_arguments
from lydite.models.sets import observed_sets
from lydite.paths.landmarks import UniqueFeatures
from tests.helpers.random_landmarks import draw_landmarks

EXACT = {"tol": 1e-10, "max_iter": 10_000}


def counts(seed=0, channels=4, most=60):
    """Return all sets of channels, and how often each occurred and converted."""
    rng = np.random.default_rng(seed)
    sets = (np.arange(1, 2**channels)[:, None] >> np.arange(channels) & 1).astype(float)
    trials = rng.integers(0, most, len(sets)).astype(float)
    rate = rng.beta(2, 6, len(sets))
    return sets, trials, rng.binomial(trials.astype(int), rate).astype(float)


def features_of(sets):
    return UniqueFeatures(np.arange(len(sets)), sparse.csr_array(sets))


def expanded(sets, trials, conversions):
    """Return a row for each landmark, and its outcome."""
    rows = np.concatenate(
        [sets.repeat(conversions.astype(int), axis=0),
         sets.repeat((trials - conversions).astype(int), axis=0)]
    )  # fmt: skip
    return rows, np.arange(len(rows)) < conversions.sum()


# --- the fit ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator",
    [
        LogisticRegression(C=2.0, **EXACT),
        BernoulliNB(),
        GaussianNB(),
        DecisionTreeClassifier(max_depth=3),
        RandomForestClassifier(20, bootstrap=False, max_features=None, random_state=0),
        RandomForestClassifier(20, random_state=0),
        BaggingClassifier(GaussianNB(), random_state=0),
        KNeighborsClassifier(3, weights="distance"),
        make_pipeline(StandardScaler(), LogisticRegression(**EXACT)),
        make_pipeline(PolynomialFeatures(2), StandardScaler(), LogisticRegression(**EXACT)),
        make_pipeline(StandardScaler(), make_pipeline(StandardScaler(), GaussianNB())),
        make_pipeline("passthrough", BernoulliNB()),
        make_pipeline(StandardScaler(), KNeighborsClassifier(3, weights="distance")),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_it_is_the_classifier_fitted_on_a_row_for_each_landmark(estimator):
    sets, trials, conversions = counts()
    model = Classifier(estimator).fit_counts(features_of(sets), trials, conversions)
    # What draws rows, or breaks ties by their order, is given the same order.
    seen, trials, conversions = observed_sets(features_of(sets), trials, conversions)
    plain = clone(estimator).fit(*expanded(seen.toarray(), trials, conversions))
    expected = np.clip(plain.predict_proba(seen.toarray())[:, 1], 1e-12, 1 - 1e-12)
    np.testing.assert_allclose(
        model.forecast_unique(features_of(seen.toarray())), expected, rtol=1e-4, atol=1e-12
    )


def test_the_estimator_itself_stays_unfitted():
    estimator = BernoulliNB()
    model = Classifier(estimator).fit_counts(features_of(counts()[0]), *counts()[1:])
    assert not hasattr(estimator, "classes_")
    assert model.estimator_ is not estimator
    assert model.get_params()["estimator"] is estimator


@pytest.mark.parametrize(
    ("estimator", "expected"),
    [
        (LogisticRegression(), ["sample_weight"]),
        (KNeighborsClassifier(), []),
        (RandomForestClassifier(), []),
        (RandomForestClassifier(bootstrap=False), ["sample_weight"]),
        (make_pipeline(PCA(), BernoulliNB()), ["bernoullinb__sample_weight"]),
        (Pipeline([("a", StandardScaler()), ("b", None), ("c", BernoulliNB())]),
         ["a__sample_weight", "c__sample_weight"]),
        (Pipeline([("a", StandardScaler()), ("b", KNeighborsClassifier())]), []),
        (Pipeline([("a", Pipeline([("b", BernoulliNB())]))]), ["a__b__sample_weight"]),
    ],
)  # fmt: skip
def test_weights_go_to_every_step_that_takes_them(estimator, expected):
    assert weight_arguments(estimator) == expected


@pytest.mark.parametrize("hits", [0, 1])
def test_with_one_outcome_the_forecast_is_the_base_rate(hits):
    sets, trials, _ = counts()
    model = Classifier(LogisticRegression()).fit_counts(features_of(sets), trials, hits * trials)
    expected = (hits * trials.sum() + 0.5) / (trials.sum() + 1)
    np.testing.assert_allclose(model.forecast_unique(features_of(sets)), expected)
    shares = model.shares(features_of(sets)).toarray()
    np.testing.assert_allclose(shares, sets / sets.sum(axis=1, keepdims=True))


def test_order_of_feature_rows_changes_nothing():
    sets, trials, conversions = counts(1)
    order = np.random.default_rng(0).permutation(len(sets))
    tree = DecisionTreeClassifier(max_features=1, max_depth=3, random_state=1)
    for one in (tree, make_pipeline(FunctionTransformer(), tree)):
        model, other = Classifier(one), Classifier(one)
        model.fit_counts(features_of(sets), trials, conversions)
        other.fit_counts(features_of(sets[order]), trials[order], conversions[order])
        np.testing.assert_array_equal(
            model.forecast_unique(features_of(sets)), other.forecast_unique(features_of(sets))
        )


def test_large_tables_are_forecast_in_parts(monkeypatch):
    sets, trials, conversions = counts()
    model = Classifier(BernoulliNB()).fit_counts(features_of(sets), trials, conversions)
    at_once = model.forecast_unique(features_of(sets))
    monkeypatch.setattr(module, "_CELLS_AT_ONCE", 13)
    np.testing.assert_allclose(model.forecast_unique(features_of(sets)), at_once)
    none = np.zeros((0, 4))
    assert model.forecast_unique(features_of(none)).shape == (0,)


def test_credit_is_what_the_forecast_loses_without_the_channel():
    sets, trials, conversions = counts(2)
    model = Classifier(HistGradientBoostingClassifier(min_samples_leaf=1, max_iter=20))
    model.fit_counts(features_of(sets), trials, conversions)
    shares = model.shares(features_of(sets)).toarray()
    everything = np.vstack([np.zeros(4), sets])
    forecasts = model.forecast_unique(features_of(everything))
    forecast = dict(zip(map(tuple, everything), forecasts, strict=True))
    for row, share in zip(sets, shares, strict=True):
        lost = np.zeros(4)
        for channel in np.flatnonzero(row):
            without = tuple(np.where(np.arange(4) == channel, 0, row))
            lost[channel] = max(forecast[tuple(row)] - forecast[without], 0)
        expected = lost if lost.any() else row
        np.testing.assert_allclose(share, expected / expected.sum(), atol=1e-12)


# --- what it cannot use -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "estimator",
    [LinearSVC(), SGDClassifier(), SVC(), make_pipeline(StandardScaler(), LinearSVC())],
    ids=["LinearSVC", "SGDClassifier", "SVC", "Pipeline"],
)
def test_a_classifier_without_probabilities_is_refused(estimator):
    model = Classifier(estimator, name="mine")
    with pytest.raises(InputError, match=r"'mine'.*no predict_proba.*CalibratedClassifierCV"):
        model.fit(draw_landmarks(np.random.default_rng(0), 50))


def test_a_calibrated_classifier_has_probabilities():
    sets, trials, conversions = counts(most=500)
    pipeline = CalibratedClassifierCV(LinearSVC(), cv=3)
    model = Classifier(pipeline).fit_counts(features_of(sets), trials, conversions)
    forecast = model.forecast_unique(features_of(sets))
    assert ((forecast > 0) & (forecast < 1)).all()


def test_too_many_landmarks_without_weights_are_refused():
    sets, trials, conversions = counts()
    model = Classifier(KNeighborsClassifier())
    message = r"KNeighborsClassifier takes no sample_weight.*2,000,001, more than 2,000,000"
    with pytest.raises(InputError, match=message):
        model.fit_counts(features_of(sets[:1]), np.array([2_000_001.0]), np.array([1.0]))
    model.fit_counts(features_of(sets), trials, conversions)


# --- identity -----------------------------------------------------------------------------------


def test_name_and_claim_follow_the_estimator_unless_given():
    model = Classifier(HistGradientBoostingClassifier())
    assert model.name == "hist_gradient_boosting_classifier"
    assert model.claim == "which channels were met, as hist_gradient_boosting_classifier has it"
    mine = Classifier(BernoulliNB(), claim="the stars", name="mine")
    assert (mine.name, mine.claim) == ("mine", "the stars")


@pytest.mark.parametrize(
    ("name", "expected"),
    [("SVC", "svc"), ("BernoulliNB", "bernoulli_nb"), ("MLPClassifier", "mlp_classifier"),
     ("KNeighborsClassifier", "k_neighbors_classifier"), ("Pipeline", "pipeline"),
     ("LogisticRegressionCV", "logistic_regression_cv")],
)  # fmt: skip
def test_snake_case(name, expected):
    assert snake_case(name) == expected


def test_a_classifier_is_a_scikit_learn_estimator():
    model = Classifier(LogisticRegression(C=3.0), claim="c", name="n")
    twin = clone(model)
    assert twin.get_params()["estimator__C"] == 3.0
    assert twin.estimator is not model.estimator
    assert (twin.name, twin.claim, twin.fingerprint) == ("n", "c", model.fingerprint)
    assert twin.set_params(estimator__C=4.0).fingerprint != model.fingerprint


def long_pipeline(**parameters):
    """Return an estimator whose text is too long for scikit-learn to print."""
    steps = [(f"a_step_with_a_long_name_{i}", StandardScaler(with_std=False)) for i in range(30)]
    return Pipeline([*steps, ("last", LogisticRegression(**parameters))])


def test_fingerprints_differ_with_the_definition():
    prior = np.linspace(0, 1, 2000)
    estimators = [
        LogisticRegression(),
        LogisticRegression(C=2.0),
        LogisticRegression(class_weight={0: 1.0, 1: 2.0}),
        make_pipeline(LogisticRegression(C=2.0)),
        make_pipeline(StandardScaler(), LogisticRegression(C=2.0)),
        long_pipeline(),
        long_pipeline(C=2.0),
        CalibratedClassifierCV(LinearSVC(C=1.0)),
        CalibratedClassifierCV(LinearSVC(C=2.0)),
        BernoulliNB(class_prior=prior),
        BernoulliNB(class_prior=np.where(np.arange(2000) == 1000, 0, prior)),
        make_pipeline(FunctionTransformer(np.log1p), BernoulliNB()),
        make_pipeline(FunctionTransformer(np.expm1), BernoulliNB()),
        make_pipeline(FunctionTransformer(snake_case), BernoulliNB()),
        make_pipeline(ColumnTransformer([("a", StandardScaler(), [0])]), BernoulliNB()),
        make_pipeline(ColumnTransformer([("a", StandardScaler(), [1])]), BernoulliNB()),
        MLPClassifier(random_state=np.int64(1)),
        MLPClassifier(random_state=2),
    ]
    fingerprints = [Classifier(e, "c", "n").fingerprint for e in estimators]
    assert len(set(fingerprints)) == len(estimators)
    assert fingerprints == [Classifier(clone(e), "c", "n").fingerprint for e in estimators]
    assert all(len(fingerprint) == 12 for fingerprint in fingerprints)
    same = Classifier(LogisticRegression(), "c", "n").fingerprint
    assert Classifier(LogisticRegression(), "d", "n").fingerprint != same
    assert Classifier(LogisticRegression(), "c", "m").fingerprint != same


def test_a_fingerprint_is_the_same_in_another_process():
    code = (
        "from functools import partial\n"
        "from sklearn.pipeline import make_pipeline\n"
        "from sklearn.preprocessing import FunctionTransformer\n"
        "from sklearn.naive_bayes import BernoulliNB\n"
        "from lydite.models.classifier import Classifier, snake_case\n"
        "steps = FunctionTransformer(snake_case), FunctionTransformer(partial(snake_case))\n"
        "fingerprint = Classifier(make_pipeline(*steps, BernoulliNB())).fingerprint\n"
    )
    here: dict[str, str] = {}
    exec(code, here)
    there = subprocess.run(
        [sys.executable, "-c", code + "print(fingerprint)"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert there.stdout.strip() == here["fingerprint"]
