"""Shapley values: rates of sets shrunk to smaller ones, and the values of their channels."""

from __future__ import annotations

from functools import cache
from itertools import chain, combinations, permutations
from math import factorial

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats

from lydite.errors import InputError
from lydite.models.logistic import BaggedLogistic
from lydite.models.markov import PSEUDO_COUNTS
from lydite.models.mixture import base_rate
from lydite.models.shapley import Coalitions, Family, Shapley
from lydite.paths.landmarks import PathChannels, Paths, UniqueFeatures
from tests.helpers.examples import examples
from tests.helpers.random_landmarks import draw_landmarks


def features_of(sets, channels):
    """Return the features of sets of channel numbers, one each."""
    rows = np.zeros((len(sets), channels))
    for row, members in zip(rows, sets, strict=True):
        row[list(members)] = 1
    return UniqueFeatures(np.arange(len(sets)), Coalitions.of(sparse.csr_array(rows)))


def subsets(members):
    """Return all subsets of a set, the empty one first."""
    members = sorted(members)
    sizes = range(len(members) + 1)
    return [frozenset(s) for s in chain(*(combinations(members, size) for size in sizes))]


def game(family, worth):
    """Return a model that was fitted so that each set has the worth that a function says."""
    model = Shapley()
    model.family_, model.base_rate_ = family, 0.5
    sets = [frozenset(np.flatnonzero(s >> np.arange(20) & 1).tolist()) for s in family.sets]
    model.rates_ = np.append([worth(s) for s in sets], np.nan)
    return model


def shares_by_set(model, features):
    return model.shares(features).toarray()[features.inverse]


# --- families -----------------------------------------------------------------------------------

bitmasks = st.lists(st.integers(0, 2**7 - 1), max_size=12)


@given(bitmasks)
def test_a_family_holds_all_subsets_once_by_size(masks):
    family = Family.of(np.array(masks, dtype=np.int64), 7)
    expected = [s for s in range(2**7) if s == 0 or any(s & mask == s for mask in masks)]
    assert family.sets.tolist() == sorted(expected, key=lambda s: (s.bit_count(), s))
    assert family.largest == max((mask.bit_count() for mask in masks), default=0)
    assert family.find(family.sets).tolist() == list(range(len(family)))
    outside = np.array(sorted(set(range(2**7)) - set(expected)), dtype=np.int64)
    assert (family.find(outside) == len(family)).all()
    for size in range(family.largest + 1):
        assert {int(s).bit_count() for s in family.sets[family.of_size(size)]} == {size}


@given(bitmasks, st.integers(0, 100))
def test_a_family_knows_the_sets_with_one_channel_less(masks, seed):
    family = Family.of(np.array(masks, dtype=np.int64), 7)
    values = np.append(np.random.default_rng(seed).normal(size=len(family)), 0)
    value_of = dict(zip(family.sets.tolist(), values, strict=False))
    for channel in range(7):
        for number, s in enumerate(family.sets.tolist()):
            without = family.without[channel, number]
            if s >> channel & 1:
                assert family.sets[without] == s ^ 1 << channel
            else:
                assert without == len(family)
    for size in range(1, family.largest + 1):
        expected = [
            np.mean([value_of[s ^ 1 << c] for c in range(7) if s >> c & 1])
            for s in family.sets[family.of_size(size)].tolist()
        ]
        np.testing.assert_allclose(family.mean_of_smaller(values, size), expected, atol=1e-12)


# --- forecast -----------------------------------------------------------------------------------


def rates_by_definition(counts):
    """Return a function of sets: their rates, by recursion and a library of distributions."""
    trials, conversions = np.array(list(counts.values())).T
    base = base_rate(trials, conversions)
    strength = {1: 1 / base}

    @cache
    def rate(members):
        if not members:
            return base
        n, k = counts.get(members, (0, 0))
        p = np.mean([rate(members - {c}) for c in members])
        m = strength.get(len(members), np.inf)
        return p if n == 0 or m == np.inf else min((k + m * p) / (n + m), 1 - 1e-12)

    for size in range(2, max(map(len, counts)) + 1):
        rows = [(*counts[s], np.mean([rate(s - {c}) for c in s])) for s in counts if len(s) == size]
        n, k, p = np.array(rows).reshape(-1, 3).T
        likelihood = {
            m: stats.binom.logpmf(k, n, p).sum()
            if m == np.inf
            else stats.betabinom.logpmf(k, n, m * p, m * (1 - p)).sum()
            for m in reversed(PSEUDO_COUNTS)
        }
        strength[size] = max(likelihood, key=likelihood.__getitem__)
        rate.cache_clear()
    return rate, strength


def random_counts(seed, channels=4, share=0.8, most=400):
    rng = np.random.default_rng(seed)
    counts = {}
    for members in subsets(range(channels))[1:]:
        if rng.random() < share:
            n = int(rng.integers(1, most))
            counts[members] = (n, int(rng.binomial(n, rng.beta(2, 8))))
    return counts or {frozenset({0}): (10, 1)}


@pytest.mark.parametrize("seed", range(20))
def test_rates_are_those_of_the_definition(seed):
    counts = random_counts(seed, most=[30, 400, 5000][seed % 3])
    rate, strength = rates_by_definition(counts)
    features = features_of(list(counts), 4)
    model = Shapley().fit_counts(features, *np.array(list(counts.values()), float).T)
    np.testing.assert_allclose(
        model.forecast_unique(features), [rate(s) for s in counts], rtol=1e-10
    )
    assert dict(enumerate(model.pseudo_counts_, start=1)) == strength
    everything = subsets(range(4))  # also sets that never occur
    np.testing.assert_allclose(
        model.forecast_unique(features_of(everything, 4)), [rate(s) for s in everything],
        rtol=1e-10,
    )  # fmt: skip


def test_single_channels_are_shrunk_like_the_last_touch():
    trials, conversions = np.array([100.0, 40, 3]), np.array([10.0, 1, 3])
    features = features_of([{0}, {1}, {2}], 3)
    model = Shapley().fit_counts(features, trials, conversions)
    base = base_rate(trials, conversions)
    np.testing.assert_allclose(
        model.forecast_unique(features), (conversions + 1) / (trials + 1 / base)
    )


def test_landmarks_convert_at_the_rate_of_their_set():
    landmarks = draw_landmarks(np.random.default_rng(0), 60_000, channels=3)
    model = Shapley().fit(landmarks)
    forecast = model.forecast(landmarks)
    for number in range(7):
        rows = model.encode(landmarks).inverse == number
        error = np.sqrt(forecast[rows][0] / rows.sum())
        assert forecast[rows][0] == pytest.approx(landmarks.converted[rows].mean(), abs=4 * error)


def test_pairs_that_help_are_captured_by_sets_alone():
    rng = np.random.default_rng(4)
    landmarks = draw_landmarks(rng, 40_000, channels=4)
    members = landmarks.paths.path_channels.matrix(
        np.ones(len(landmarks.paths.path_channels.row)), len(landmarks), 4
    ).toarray()
    first, second, third, fourth = members.T
    log_odds = -3 + 2.5 * first * second - 2.5 * second * third + 2 * fourth
    truth = 1 / (1 + np.exp(-log_odds))
    landmarks = landmarks.without_outcome(rng.random(len(truth)) < truth)

    def regret(model):
        forecast = model.fit(landmarks).forecast(landmarks)
        return stats.entropy([truth, 1 - truth], [forecast, 1 - forecast]).mean()

    assert regret(Shapley()) < 0.1 * regret(BaggedLogistic())


# --- credit -------------------------------------------------------------------------------------


def by_permutations(members, worth):
    """Return what each channel adds on arrival, on average over all orders of arrival."""
    value = dict.fromkeys(members, 0.0)
    for order in permutations(members):
        for place, channel in enumerate(order):
            before = frozenset(order[:place])
            value[channel] += worth(before | {channel}) - worth(before)
    return {channel: total / factorial(len(members)) for channel, total in value.items()}


def by_dividends(members, worth):
    """Return each channel's part by head of what coalitions add to all that is in them."""
    dividend = {
        s: sum((-1) ** (len(s) - len(t)) * worth(t) for t in subsets(s)) for s in subsets(members)
    }
    return {c: sum(d / len(s) for s, d in dividend.items() if c in s) for c in members}


@given(st.lists(st.frozensets(st.integers(0, 4)), min_size=1, unique=True), st.integers(0, 1000))
@examples(60)
def test_values_are_those_of_the_game(sets, seed):
    rng = np.random.default_rng(seed)
    worths = {s: rng.normal() for s in subsets(range(5))} | {frozenset(): 0.0}
    features = features_of(sets, 5)
    values = game(features.rows.family, worths.__getitem__).values(features)
    begin = features.rows.members.indptr
    for row, members in enumerate(sets):
        own = values[begin[row] : begin[row + 1]]
        for oracle in (by_permutations, by_dividends):
            expected = oracle(members, worths.__getitem__)
            np.testing.assert_allclose(own, [expected[c] for c in sorted(members)], atol=1e-10)


@pytest.mark.parametrize("seed", range(10))
def test_shares_follow_from_the_counts(seed):
    counts = random_counts(seed, share=0.6)
    rate, _ = rates_by_definition(counts)

    def worth(members):
        return rate(members) if members else 0.0

    model = Shapley().fit_counts(
        features_of(list(counts), 4), *np.array(list(counts.values()), float).T
    )
    converted = subsets(range(4))[1:]  # most of them no landmark had
    shares = shares_by_set(model, features_of(converted, 4))
    for share, members in zip(shares, converted, strict=True):
        value = by_permutations(members, worth)
        assert sum(value.values()) == pytest.approx(rate(members))
        expected = np.array([max(value.get(c, 0.0), 0) for c in range(4)])
        np.testing.assert_allclose(share, expected / expected.sum(), atol=1e-9)


def test_the_values_of_a_set_sum_to_its_rate():
    landmarks = draw_landmarks(np.random.default_rng(2), 5000, channels=7)
    model = Shapley().fit(landmarks)
    features = model.encode(landmarks)
    sums = np.add.reduceat(model.values(features), features.rows.members.indptr[:-1])
    np.testing.assert_allclose(sums, model.forecast_unique(features), rtol=1e-12)


def test_equivalent_channels_have_equal_values():
    everything = subsets(range(4))[1:]

    def alike(members):  # channels 0 and 1 are the same
        return tuple(sorted(2 if c == 0 else c + 1 for c in members))

    conversions = [float(len(str(alike(s))) + 3 * (3 in s)) for s in everything]
    features = features_of(everything, 4)
    model = Shapley().fit_counts(features, np.full(15, 60.0), np.array(conversions))
    shares = shares_by_set(model, features)
    both = np.array([{0, 1} <= s for s in everything])
    np.testing.assert_allclose(shares[both, 0], shares[both, 1])
    assert (shares[both, 0] > 0).all()


def test_a_channel_without_effect_has_no_share():
    features = features_of([{0, 1, 2}, {0, 2}], 3)
    rates = {frozenset(): 0.0, frozenset({0}): 0.2, frozenset({1}): 0.1, frozenset({0, 1}): 0.7}
    model = game(features.rows.family, lambda members: rates[members - {2}])
    shares = shares_by_set(model, features)
    np.testing.assert_allclose(shares, [[0.4 / 0.7, 0.3 / 0.7, 0], [1, 0, 0]], atol=1e-12)


def test_a_channel_with_a_negative_effect_has_no_share():
    features = features_of([{0, 1}], 2)
    rates = {frozenset(): 0.0, frozenset({0}): 0.5, frozenset({1}): 0.1, frozenset({0, 1}): 0.2}
    model = game(features.rows.family, rates.__getitem__)
    assert model.values(features).tolist() == pytest.approx([0.3, -0.1])
    np.testing.assert_allclose(shares_by_set(model, features), [[1, 0]])


def test_paths_with_the_same_channels_have_equal_shares():
    model = Shapley().fit(draw_landmarks(np.random.default_rng(3), 2000))
    row, channel = np.array([0, 0, 1, 2, 2]), np.array([0, 2, 1, 0, 2])
    path = PathChannels(row, channel, np.array([1, 5, 2, 3, 1]))
    paths = Paths(tuple("abcd"), np.zeros(3, int), np.ones(3), np.ones(3), path)
    features = model.encode_paths(paths)
    assert (len(features), features.inverse.tolist()) == (2, [0, 1, 0])
    assert model.shares(features).toarray()[1].tolist() == [0, 1, 0, 0]


def test_refits_on_the_same_statistics_keep_the_family():
    landmarks = draw_landmarks(np.random.default_rng(5), 2000)
    model = Shapley()
    statistics = model.sufficient_statistics(landmarks, 256)
    for seed in range(3):
        model.fit_credit(statistics, np.random.default_rng(seed).poisson(1, 256).astype(float))
        assert model.family_ is statistics.features.rows.family


# --- size ---------------------------------------------------------------------------------------


def test_twenty_channels_are_accepted():
    everything = set(range(20))
    features = features_of([everything, {0}, {0, 1}, {19}], 20)
    model = Shapley().fit_counts(
        features, np.array([100.0, 200, 50, 70]), np.array([50.0, 10, 5, 7])
    )
    assert len(features.rows.family) == 2**20
    shares = shares_by_set(model, features)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    assert (shares[0] > 0).all()
    np.testing.assert_allclose(shares[0, 2:19], shares[0, 2])  # the same data


def test_twenty_one_channels_are_refused():
    landmarks = draw_landmarks(np.random.default_rng(0), 50, channels=21)
    with pytest.raises(InputError, match=r"'shapley'.* 21 channels.*2\^21.*Merge.*or leave"):
        Shapley().fit(landmarks)
    assert Shapley().refusal(20) is None
