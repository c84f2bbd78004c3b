"""Rules with a fitted parameter: which candidate is chosen, with which rates."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import sparse

from lydite.attribution import touch_credit
from lydite.models import FittedRule, PathChannels, Paths, make_model
from lydite.models.fitted_rules import HALF_LIVES_HOURS
from lydite.models.mixture import base_rate, fit_rates
from lydite.paths.shares import STEPS_BY_ORDER, STEPS_BY_TIME
from tests.helpers.random_landmarks import draw_landmarks, reordered, with_paths

NAMES = ("time_decay_fitted", "position_based_fitted")
ENDS = (0.1, 0.2, 0.3, 0.4, 0.45, 0.5)
RATES = np.array([0.02, 0.45, 0.1, 0.25])


def weights_of(name, number, hours_before_end):
    """Return the weight of each touch of one path under a candidate."""
    if name == "time_decay_fitted":
        return [0.5 ** (hours / HALF_LIVES_HOURS[number]) for hours in hours_before_end]
    length, end = len(hours_before_end), ENDS[number]
    if length <= 2:
        return [1.0] * length
    return [end, *[(1 - 2 * end) / (length - 2)] * (length - 2), end]


def size_of(name):
    return len(HALF_LIVES_HOURS if name == "time_decay_fitted" else ENDS)


def draw_paths(rng, n, channels=4, longest=6):
    """Draw paths as pairs of channels and hours before the end."""
    return [
        (
            rng.integers(0, channels, length).tolist(),
            [*np.sort(rng.exponential(90, length - 1))[::-1], 0.0],
        )
        for length in rng.integers(1, longest + 1, n)
    ]


def landmarks_of(name, paths, converted, channels=4, bucket=None):
    """Return landmarks, one for each path."""
    n, size = len(paths), size_of(name)
    touches, weights = np.zeros((n, channels)), np.zeros((size, n, channels))
    for row, (met, hours) in enumerate(paths):
        met_by = np.eye(channels)[met]
        touches[row] = met_by.sum(axis=0)
        every = [weights_of(name, number, hours) for number in range(size)]
        weights[:, row] = np.array(every) @ met_by
    row, channel = np.nonzero(touches)
    columns = make_model(name).columns
    return with_paths(
        draw_landmarks(np.random.default_rng(0), n, channels),
        PathChannels(
            row,
            channel,
            touches[row, channel].astype(int),
            {column: weights[number, row, channel] for number, column in enumerate(columns)},
        ),
        bucket=np.arange(n) % 256 if bucket is None else bucket,
        converted=np.asarray(converted, dtype=bool),
    )


def shares_of(name, number, paths, channels=4):
    """Return the exact shares of a candidate, path by path."""
    shares = np.zeros((len(paths), channels))
    for row, (met, hours) in enumerate(paths):
        for channel, weight in zip(met, weights_of(name, number, hours), strict=True):
            shares[row, channel] += weight
    return shares / shares.sum(axis=1, keepdims=True)


def simulate(name, number, seed, n, rates=RATES):
    """Draw paths, and conversions by a candidate."""
    rng = np.random.default_rng(seed)
    paths = draw_paths(rng, n, len(rates))
    return paths, rng.random(n) < shares_of(name, number, paths, len(rates)) @ rates


def by_each_candidate(name, paths, converted, channels=4):
    """Fit every candidate alone, each path a trial; return the best one and its rates."""
    trials, conversions = np.ones(len(paths)), np.asarray(converted, dtype=float)
    base = base_rate(trials, conversions)
    fits = []
    for number in range(size_of(name)):
        steps = STEPS_BY_TIME if name == "time_decay_fitted" else STEPS_BY_ORDER
        kept = np.rint(shares_of(name, number, paths, channels) * steps)
        kept /= kept.sum(axis=1, keepdims=True)
        start = np.full(channels, base)
        rates, _ = fit_rates(sparse.csr_array(kept), trials, conversions, base, start)
        p = kept @ rates
        likelihood = np.log(np.where(converted, p, 1 - p)).sum()
        prior = (np.log(rates) + (1 - base) / base * np.log(1 - rates)).sum()
        fits.append((likelihood + prior, number, rates))
    return max(fits, key=lambda fit: fit[0])[1:]


# --- the fit ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("seed", range(3))
def test_the_best_of_separately_fitted_candidates_is_chosen(name, seed):
    paths, converted = simulate(name, 1 + seed, seed, 600)
    number, rates = by_each_candidate(name, paths, converted)
    model = make_model(name).fit(landmarks_of(name, paths, converted))
    assert model.chosen_ == number
    np.testing.assert_allclose(model.rates_, rates, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "number"),
    [(NAMES[0], 0), (NAMES[0], 2), (NAMES[0], 4), (NAMES[1], 0), (NAMES[1], 2), (NAMES[1], 5)],
)
def test_the_true_candidate_is_found_with_its_rates(name, number):
    # Far apart, so that the neighbours of the candidate are told from it.
    rates = np.array([0.02, 0.9, 0.3, 0.6])
    paths, converted = simulate(name, number, 20 + number, 6000, rates)
    landmarks = landmarks_of(name, paths, converted)
    model = make_model(name).fit(landmarks)
    assert model.chosen_ == number
    assert model.label_ == list(model.candidates)[number]
    np.testing.assert_allclose(model.rates_, rates, atol=0.05)
    forecast = model.forecast(landmarks)
    for part in np.array_split(np.argsort(forecast), 5):
        assert abs(forecast[part].mean() - converted[part].mean()) < 4 * 0.5 / np.sqrt(len(part))


@pytest.mark.parametrize("name", NAMES)
def test_a_warm_start_changes_nothing(name):
    first = landmarks_of(name, *simulate(name, 4, 5, 1500))
    paths, converted = simulate(name, 1, 6, 1500)
    second = landmarks_of(name, paths, converted)
    fresh = make_model(name).fit(second)
    warm = make_model(name).fit(first)
    for _ in range(2):
        warm.fit(second)
        assert warm.chosen_ == fresh.chosen_
        np.testing.assert_allclose(warm.rates_, fresh.rates_, rtol=1e-6)
    np.testing.assert_allclose(warm.forecast(second), fresh.forecast(second), rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_fits_to_growing_data_choose_as_fits_from_scratch(name):
    paths, converted = simulate(name, 2, 30, 3000)
    warm = make_model(name)
    for n in (300, 600, 1500, 3000):
        landmarks = landmarks_of(name, paths[:n], converted[:n])
        fresh = make_model(name).fit(landmarks)
        assert warm.fit(landmarks).chosen_ == fresh.chosen_
        np.testing.assert_allclose(warm.rates_, fresh.rates_, rtol=1e-9)


def test_fitting_a_copy_does_not_change_the_model():
    name = NAMES[0]
    landmarks = landmarks_of(name, *simulate(name, 1, 7, 800))
    model = make_model(name).fit(landmarks)
    chosen, rates = model.chosen_, model.rates_.copy()
    copy.copy(model).fit(landmarks_of(name, *simulate(name, 4, 8, 800)))
    assert model.chosen_ == chosen
    np.testing.assert_array_equal(model.rates_, rates)


def test_a_second_fit_with_other_channels_starts_from_scratch():
    name = NAMES[0]
    model = make_model(name).fit(landmarks_of(name, *simulate(name, 2, 9, 500)))
    paths, converted = simulate(name, 2, 10, 500, RATES[:3])
    other = landmarks_of(name, paths, converted, 3)
    fresh = make_model(name).fit(other)
    np.testing.assert_allclose(model.fit(other).rates_, fresh.rates_, rtol=1e-6)


def test_a_rule_with_one_candidate_is_that_rule():
    drawn = draw_landmarks(np.random.default_rng(11), 3000)
    path = drawn.paths.path_channels
    fitted = FittedRule("mine", "this", {"alike": "1.0"})
    landmarks = with_paths(
        drawn, replace(path, weights={**path.weights, "mine alike": path.weights["linear"]})
    )
    expected = make_model("linear").fit(landmarks).forecast(landmarks)
    np.testing.assert_allclose(fitted.fit(landmarks).forecast(landmarks), expected, rtol=1e-9)


def test_landmarks_alike_under_every_candidate_are_one_row():
    name = NAMES[1]
    paths = [([0], [0.0]), ([1, 2], [5.0, 0.0]), ([2, 1], [9.0, 0.0]), ([0, 0], [1.0, 0.0])]
    paths += [([0, 1, 0], [3.0, 2.0, 0.0]), ([0, 1, 2, 0], [3.0, 2.0, 1.0, 0.0])]
    features = make_model(name).encode(landmarks_of(name, paths, [False] * 6))
    assert features.inverse.tolist() == [0, 1, 1, 0, 2, 3]
    assert len(features) == 4


# --- invariances --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_the_numbers_of_channels_and_the_order_do_not_matter(name):
    paths, converted = simulate(name, 2, 12, 1500)
    one = landmarks_of(name, paths, converted)
    renumber = np.array([2, 0, 3, 1])
    two = landmarks_of(name, [(renumber[met].tolist(), hours) for met, hours in paths], converted)
    order = np.random.default_rng(13).permutation(len(paths))
    three = reordered(one, order)
    first, second, third = (make_model(name).fit(landmarks) for landmarks in (one, two, three))
    assert first.chosen_ == second.chosen_ == third.chosen_
    np.testing.assert_allclose(first.rates_, second.rates_[renumber], rtol=1e-6)
    np.testing.assert_allclose(first.forecast(one), second.forecast(two), rtol=1e-6)
    np.testing.assert_allclose(first.forecast(one)[order], third.forecast(three), rtol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_weighted_units_are_repeated_landmarks(name):
    paths, converted = simulate(name, 2, 14, 1200)
    landmarks = landmarks_of(name, paths, converted)
    times = np.random.default_rng(15).poisson(1.0, 256)
    again = np.repeat(np.arange(len(paths)), times[landmarks.bucket])
    repeated = landmarks_of(name, [paths[i] for i in again], converted[again])
    expected = make_model(name).fit(repeated)
    fitted = make_model(name).fit(landmarks)
    statistics = fitted.sufficient_statistics(landmarks, 256)
    for model in (make_model(name), copy.copy(fitted)):
        model.fit_credit(statistics, times.astype(float))
        assert model.chosen_ == expected.chosen_
        np.testing.assert_allclose(model.rates_, expected.rates_, rtol=1e-6)
    counted = make_model(name).fit(replace(landmarks, count=times[landmarks.bucket]))
    np.testing.assert_allclose(counted.rates_, expected.rates_, rtol=1e-6)
    same = make_model(name).fit_credit(statistics, np.ones(256))
    np.testing.assert_allclose(same.rates_, fitted.rates_, rtol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_rows_may_be_split_by_count(name):
    paths, converted = simulate(name, 3, 16, 800)
    part = np.random.default_rng(17).uniform(0.1, 2.9, 800)
    whole = replace(landmarks_of(name, paths, converted), count=np.full(800, 3.0))
    split = replace(
        landmarks_of(name, paths * 2, np.tile(converted, 2)),
        count=np.concatenate([part, 3 - part]),
    )
    one, two = make_model(name).fit(whole), make_model(name).fit(split)
    assert one.chosen_ == two.chosen_
    np.testing.assert_allclose(one.rates_, two.rates_, rtol=1e-6)


# --- credit -------------------------------------------------------------------------------------


def frame(hours, channels):
    n = len(hours)
    return pl.DataFrame(
        {
            "path": [1] * n,
            "position": range(1, n + 1),
            "path_length": [n] * n,
            "position_from_end": range(n, 0, -1),
            "hours_before_end": [float(hours[-1] - hour) for hour in hours],
            "channel": list(channels),
        }
    )


@pytest.mark.parametrize(
    ("name", "label", "hours", "channels", "expected"),
    [
        ("time_decay_fitted", "6 h", [0, 6, 12], "aba", [1 / 7, 2 / 7, 4 / 7]),
        ("time_decay_fitted", "24 h", [0, 24], "ab", [1 / 3, 2 / 3]),
        ("time_decay_fitted", "72 h", [0, 72], "aa", [1 / 3, 2 / 3]),
        ("time_decay_fitted", "168 h", [0, 168, 336], "abc", [1 / 7, 2 / 7, 4 / 7]),
        ("time_decay_fitted", "336 h", [0, 336], "ab", [1 / 3, 2 / 3]),
        ("time_decay_fitted", "336 h", [5], "a", [1]),
        ("position_based_fitted", "10% each end", [0, 1, 2], "abc", [0.1, 0.8, 0.1]),
        ("position_based_fitted", "20% each end", [0, 1, 2, 3], "abca", [0.2, 0.3, 0.3, 0.2]),
        ("position_based_fitted", "30% each end", [0, 1, 2, 3], "abab", [0.3, 0.2, 0.2, 0.3]),
        ("position_based_fitted", "40% each end", [0, 1, 2], "aaa", [0.4, 0.2, 0.4]),
        ("position_based_fitted", "45% each end", [0, 1, 2, 3], "abcd", [0.45, 0.05, 0.05, 0.45]),
        ("position_based_fitted", "50% each end", [0, 1, 2], "abc", [0.5, 0, 0.5]),
        ("position_based_fitted", "10% each end", [0, 1], "ab", [0.5, 0.5]),
        ("position_based_fitted", "10% each end", [0], "a", [1]),
    ],
)
def test_weights_of_hand_made_paths(name, label, hours, channels, expected):
    model = make_model(name)
    model.chosen_, model.channels_ = list(model.candidates).index(label), tuple("abcd")
    np.testing.assert_allclose(touch_credit(model, frame(hours, channels)), expected, atol=1e-12)


def test_candidates_of_the_registry_in_order():
    decay, position = (make_model(name) for name in NAMES)
    assert list(decay.candidates) == [f"{hours} h" for hours in HALF_LIVES_HOURS]
    assert list(position.candidates) == [f"{end * 100:.0f}% each end" for end in ENDS]
    assert decay.needs_clock
    assert not position.needs_clock


@pytest.mark.parametrize("name", NAMES)
def test_shares_are_those_of_the_chosen_candidate(name):
    paths, converted = simulate(name, 2, 18, 500)
    landmarks = landmarks_of(name, paths, converted)
    model = make_model(name).fit(landmarks)
    ones = np.ones(500)
    converting = Paths(
        landmarks.channels, np.zeros(500, dtype=int), ones, ones, landmarks.paths.path_channels
    )
    shares = model.shares(model.encode_paths(converting)).toarray()
    np.testing.assert_allclose(shares, shares_of(name, model.chosen_, paths), atol=1e-12)


# --- edges --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("converts", [True, False])
def test_all_or_none_converting(name, converts):
    paths = draw_paths(np.random.default_rng(19), 300)
    landmarks = landmarks_of(name, paths, np.full(300, converts))
    model = make_model(name).fit(landmarks)
    forecast = model.forecast(landmarks)
    assert ((forecast > 0) & (forecast < 1)).all()
    assert (forecast.mean() > 0.9) if converts else (forecast.mean() < 0.1)


@pytest.mark.parametrize("name", NAMES)
def test_no_landmark_at_all(name):
    nothing = landmarks_of(name, [], [])
    model = make_model(name).fit(nothing)
    np.testing.assert_allclose(model.rates_, 0.5)
    assert model.forecast(nothing).shape == (0,)


@pytest.mark.parametrize("name", NAMES)
def test_units_with_zero_weight(name):
    landmarks = landmarks_of(name, *simulate(name, 2, 20, 200))
    model = make_model(name)
    model.fit_credit(model.sufficient_statistics(landmarks, 256), np.zeros(256))
    np.testing.assert_allclose(model.rates_, 0.5)


@pytest.mark.parametrize("name", NAMES)
def test_one_channel(name):
    paths, converted = simulate(name, 2, 21, 2000, np.array([0.3]))
    landmarks = landmarks_of(name, paths, converted, 1)
    model = make_model(name).fit(landmarks)
    np.testing.assert_allclose(model.forecast(landmarks), (converted.sum() + 1) / 2000, rtol=0.01)
    assert len(model.encode(landmarks)) == 1


@pytest.mark.parametrize("name", NAMES)
def test_refits_choose_as_whole_refits_do(name):
    paths, converted = simulate(name, 2, 21, 3000)
    landmarks = landmarks_of(name, paths, converted)
    model = make_model(name).fit(landmarks)
    statistics = model.sufficient_statistics(landmarks, 256)
    weights = np.random.default_rng(22).multinomial(256, np.full(256, 1 / 256), 60).astype(float)
    quick = [refitted.chosen_ for refitted in copy.deepcopy(model).refits(statistics, weights)]
    whole = [make_model(name).fit_credit(statistics, row).chosen_ for row in weights]
    assert len(set(whole)) > 1  # the draws leave something to choose
    assert np.mean(np.array(quick) == np.array(whole)) >= 0.95
