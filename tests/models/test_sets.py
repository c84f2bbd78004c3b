"""Sets of channels, and models that depend on nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression, PoissonRegressor
from sklearn.tree import DecisionTreeClassifier

from lydite.models.classifier import Classifier
from lydite.models.logistic import BaggedLogistic
from lydite.models.sets import LEAST, MOST, SetModel, channel_sets, observed_sets, without_each
from lydite.models.shapley import Shapley
from lydite.paths.landmarks import PathChannels, Paths, UniqueFeatures
from tests.helpers.random_landmarks import draw_landmarks, reordered, with_paths


class Intensity(SetModel):
    """A user's own model, as the documentation has it."""

    name, claim = "intensity", "which channels are on the path, each multiplying the rate"

    def fit_counts(self, features, trials, conversions):
        rows, n, k = observed_sets(features, trials, conversions)
        self.regressor_ = PoissonRegressor(alpha=1e-6).fit(rows, k / n, sample_weight=n)
        return self

    def forecast_unique(self, features):
        return np.clip(self.regressor_.predict(features.rows), LEAST, MOST)


def path_of(sets):
    """Return sets as the channels on paths, with two touches each."""
    row = [number for number, members in enumerate(sets) for _ in members]
    channel = [member for members in sets for member in sorted(members)]
    return PathChannels(np.array(row, int), np.array(channel, int), np.full(len(row), 2))


def members(matrix):
    """Return the rows of a matrix of ones as Python sets."""
    return [frozenset(np.flatnonzero(row).tolist()) for row in matrix.toarray()]


some_sets = st.lists(st.frozensets(st.integers(0, 6)), max_size=30)


@given(some_sets)
def test_each_set_has_one_row(sets):
    features = channel_sets(path_of(sets), len(sets), 7)
    distinct = members(features.rows)
    assert distinct == list(dict.fromkeys(sets))
    assert [distinct[number] for number in features.inverse] == sets


@given(some_sets)
def test_every_channel_is_removed_from_every_set(sets):
    rows = channel_sets(path_of(sets), len(sets), 7).rows
    fewer = without_each(rows)
    distinct = members(fewer.rows)
    assert len(set(distinct)) == len(distinct)
    expected = [
        members(rows)[row] - {int(channel)}
        for row in range(rows.shape[0])
        for channel in rows.indices[rows.indptr[row] : rows.indptr[row + 1]]
    ]
    assert [distinct[number] for number in fewer.inverse] == expected


@pytest.mark.parametrize("channels", [1, 5, 48, 49, 200])
def test_observed_sets_have_an_order_by_their_counts(channels):
    rng = np.random.default_rng(channels)
    rows = rng.random((300, channels)) < 0.3
    rows[:100, 5:] = True  # sets that differ in their first channels alone
    rows = np.unique(rows, axis=0).astype(float)
    trials = rng.integers(0, 3, len(rows)).astype(float)
    conversions = rng.binomial(trials.astype(int), 0.5).astype(float)

    def seen(order):
        features = UniqueFeatures(np.arange(len(rows)), sparse.csr_array(rows[order]))
        features, n, k = observed_sets(features, trials[order], conversions[order])
        return np.column_stack([features.toarray(), n, k])

    as_given = seen(np.arange(len(rows)))
    np.testing.assert_array_equal(as_given, seen(rng.permutation(len(rows))))
    everything = np.column_stack([rows, trials, conversions])[trials > 0]
    assert sorted(map(tuple, as_given)) == sorted(map(tuple, everything))


def test_a_custom_model_takes_ten_lines():
    landmarks = draw_landmarks(np.random.default_rng(0), 4000)
    model = Intensity().fit(landmarks)
    forecast = model.forecast(landmarks)
    # The score equations of a Poisson regression: on average it is right for each channel.
    path, hits = landmarks.paths.path_channels, landmarks.converted
    for channel in range(4):
        rows = path.row[path.channel == channel]
        assert forecast[rows].sum() == pytest.approx(hits[rows].sum(), rel=1e-3)


def test_credit_is_what_the_forecast_loses_without_the_channel():
    model = Intensity().fit(draw_landmarks(np.random.default_rng(0), 4000))
    factor = np.exp([0.5, -0.4, 0.0, 1.2])
    model.regressor_.coef_, model.regressor_.intercept_ = np.log(factor), np.log(0.05)
    sets = [{0, 1, 3}, {1}, {1, 2}, {0, 3}, {0}]
    paths = Paths(tuple("abcd"), np.zeros(5, int), np.ones(5), np.ones(5), path_of(sets))
    features = model.encode_paths(paths)
    shares = model.shares(features).toarray()[features.inverse]
    for share, rows in zip(shares, sets, strict=True):
        whole = np.prod(factor[list(rows)])
        lost = [whole * (1 - 1 / factor[c]) if c in rows else 0 for c in range(4)]
        expected = np.maximum(lost, 0)
        if not expected.any():  # no channel of the set helps: alike
            expected = np.array([float(c in rows) for c in range(4)])
        np.testing.assert_allclose(share, expected / expected.sum(), atol=1e-12)


# --- what holds for every model of sets ---------------------------------------------------------

MODELS = {
    "shapley": Shapley(),
    "bagged_logistic": BaggedLogistic(),
    "fewer_channels": BaggedLogistic(channel_share=0.5),
    "logistic_regression": Classifier(LogisticRegression(C=100, tol=1e-8, max_iter=1000)),
    "tree": Classifier(DecisionTreeClassifier(max_features=2, max_depth=3, random_state=0)),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())


def landmarks_of(sets, channels, trials, conversions):
    """Return counted landmarks: for each set a row that converts, and one that does not."""
    landmarks = draw_landmarks(np.random.default_rng(0), 2 * len(sets), channels)
    trials, conversions = np.array(trials, float), np.array(conversions, float)
    return with_paths(
        landmarks,
        path_of([*sets, *sets]),
        converted=np.arange(2 * len(sets)) < len(sets),
        count=np.concatenate([conversions, trials - conversions]),
    )


@every_model
def test_order_and_grouping_of_landmarks_change_nothing(model):
    rng = np.random.default_rng(7)
    landmarks = draw_landmarks(rng, 3000)
    forecast = clone(model).fit(landmarks).forecast(landmarks)
    shuffled = reordered(landmarks, rng.permutation(3000))
    np.testing.assert_array_equal(clone(model).fit(shuffled).forecast(landmarks), forecast)
    kind = 2 * model.encode(landmarks).inverse + landmarks.converted
    _, first, size = np.unique(kind, return_index=True, return_counts=True)
    count = np.zeros(3000)
    count[first] = size
    grouped = replace(landmarks, count=count)
    np.testing.assert_array_equal(clone(model).fit(grouped).forecast(landmarks), forecast)


@pytest.mark.parametrize(
    "model",
    [Shapley(), BaggedLogistic(bags=1, sample_share=1.0), MODELS["logistic_regression"]],
    ids=lambda model: model.name,
)
def test_names_of_channels_change_nothing(model):
    rng = np.random.default_rng(9)
    sets = members(sparse.csr_array(np.unique(rng.random((40, 6)) < 0.5, axis=0)[1:]))
    trials = rng.integers(0, 200, len(sets))
    conversions = rng.binomial(trials, 0.2)
    other = rng.permutation(6)
    renamed = [frozenset(other[list(s)].tolist()) for s in sets]

    def fit(sets):
        landmarks = landmarks_of(sets, 6, trials, conversions)
        fitted = clone(model).fit(landmarks)
        features = fitted.encode(landmarks)
        return fitted.forecast(landmarks), fitted.shares(features).toarray()[features.inverse]

    (forecast, shares), (again, moved) = fit(sets), fit(renamed)
    np.testing.assert_allclose(again, forecast, rtol=1e-5)
    np.testing.assert_allclose(moved[:, other], shares, atol=1e-4)


@every_model
def test_permuted_outcomes_are_forecast_no_better_than_by_the_base_rate(model):
    rng = np.random.default_rng(8)
    drawn = [draw_landmarks(rng, 20_000) for _ in range(2)]
    train, fresh = (one.without_outcome(rng.permutation(one.converted)) for one in drawn)
    forecast, base = clone(model).fit(train).forecast(fresh), train.converted.mean()
    gain = np.where(fresh.converted, np.log(forecast / base), np.log((1 - forecast) / (1 - base)))
    error = gain.std() / np.sqrt(len(gain))
    assert gain.mean() < 2 * error
    # And not much worse: one parameter fitted to noise costs half a nat in all.
    assert gain.mean() > -10 / len(gain) - 3 * error


COUNTS = {
    "nothing": ([0, 0, 0], [0, 0, 0]),
    "none_converts": ([9, 0, 50], [0, 0, 0]),
    "all_convert": ([9, 1, 50], [9, 1, 50]),
    "one_channel_decides": ([1000, 2000, 500], [1000, 2000, 0]),
    "very_many": ([10**10, 10**10, 3], [1, 10**9, 3]),
    "very_many_and_none": ([10**10, 10**10, 10**10], [0, 0, 0]),
    "parts": ([5.25, 0.5, 3], [1.75, 0.25, 0]),
}


SETS = {
    "three": ([{0}, {0, 1}, {1, 2}], 3, [{0}, {2}, {0, 2}, {0, 1, 2}]),
    "one": ([{0}, {0}, {0}], 1, [{0}]),
}


@every_model
@pytest.mark.parametrize("counts", COUNTS.values(), ids=COUNTS.keys())
@pytest.mark.parametrize(("sets", "channels", "converted"), SETS.values(), ids=SETS.keys())
def test_any_counts_give_forecasts_and_shares(model, counts, sets, channels, converted):
    landmarks = landmarks_of(sets, channels, *counts)
    fitted = clone(model).fit(landmarks)
    forecast = fitted.forecast(landmarks)
    assert ((forecast > 0) & (forecast < 1)).all()
    n = len(converted)
    paths = Paths(landmarks.channels, np.zeros(n, int), np.ones(n), np.ones(n), path_of(converted))
    features = fitted.encode_paths(paths)
    shares = fitted.shares(features).toarray()[features.inverse]
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares >= 0).all()
    for share, rows in zip(shares, converted, strict=True):
        assert set(np.flatnonzero(share).tolist()) <= rows


@every_model
def test_very_many_landmarks_forecast_their_rate(model):
    landmarks = landmarks_of([{0}, {1}], 2, [10**10, 10**10], [10**9, 2 * 10**9])
    forecast = clone(model).fit(landmarks).forecast(landmarks)
    if model is not MODELS["fewer_channels"]:  # which knows only one of the two in each bag
        np.testing.assert_allclose(forecast[:2], [0.1, 0.2], rtol=1e-4)


@pytest.mark.parametrize("name", [name for name in MODELS if name != "shapley"])
def test_many_channels_are_taken(name):
    landmarks = draw_landmarks(np.random.default_rng(1), 3000, channels=200)
    model = clone(MODELS[name]).fit(landmarks)
    features = model.encode(landmarks)
    np.testing.assert_allclose(model.shares(features).sum(axis=1), 1)


@every_model
def test_weights_of_units_count_as_repeated_landmarks(model):
    landmarks = draw_landmarks(np.random.default_rng(5), 2000)
    weights = np.random.default_rng(6).poisson(1, 256).astype(float)
    drawn = clone(model)
    drawn.fit_credit(drawn.sufficient_statistics(landmarks, 256), weights)
    repeated = clone(model).fit(replace(landmarks, count=weights[landmarks.bucket]))
    features = model.encode(landmarks)
    np.testing.assert_allclose(
        drawn.shares(features).toarray(), repeated.shares(features).toarray(), atol=1e-12
    )


@every_model
def test_unfitted_models_say_so(model):
    landmarks = draw_landmarks(np.random.default_rng(0), 10)
    with pytest.raises(NotFittedError):
        clone(model).forecast(landmarks)
    with pytest.raises(NotFittedError):
        clone(model).shares(model.encode(landmarks))


@every_model
def test_a_fit_does_not_change_the_definition_of_the_model(model):
    twin = clone(model)
    before = twin.fingerprint
    assert before == model.fingerprint
    assert twin.fit(draw_landmarks(np.random.default_rng(0), 300)).fingerprint == before
    assert (twin.name, twin.claim) == (model.name, model.claim)
    assert twin.weight_columns == {}
    assert not twin.needs_clock
