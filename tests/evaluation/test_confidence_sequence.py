"""Confidence sequences are valid however often they are checked."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import quad

from lydite.evaluation.confidence_sequence import (
    MIN_BUCKETS,
    RESTART_EVERY,
    ConfidenceSequence,
    RestartedSequences,
    confidence_sequence,
)
from tests.helpers.made_sequences import bounded, restarted

LOOKS, BUCKETS, HISTORIES, ALPHA = 26, 256, 300, 0.05


def history(rng: np.random.Generator, mean: float = 0.0, persistence: float = 0.3):
    """Return loss differences with a constant part per bucket and skewed noise."""
    landmarks = rng.poisson(40, (LOOKS, BUCKETS)).astype(float)
    noise = rng.exponential(1.0, (LOOKS, BUCKETS)) - 1
    difference = np.sqrt(landmarks) * noise + persistence * landmarks**0.5 * rng.normal(
        size=BUCKETS
    )
    return difference + mean * landmarks, landmarks


def test_without_a_difference_errors_are_at_most_alpha_unlike_a_naive_test():
    rng = np.random.default_rng(20)
    ever, naive = 0, 0
    for _ in range(HISTORIES):
        difference, landmarks = history(rng, persistence=0.0)
        sequence = bounded(difference, landmarks, ALPHA)
        ever += bool(((sequence.low > 0) | (sequence.high < 0)).any())
        sums, counts = difference.cumsum(axis=0), landmarks.cumsum(axis=0)
        spread = sums - counts * (sums.sum(axis=1) / counts.sum(axis=1))[:, None]
        z = sums.sum(axis=1) / np.sqrt((spread**2).sum(axis=1))
        naive += bool((np.abs(z) > 1.96).any())
    error = np.sqrt(ALPHA * (1 - ALPHA) / HISTORIES)
    assert ever / HISTORIES <= ALPHA + 3 * error
    assert naive / HISTORIES > ALPHA + 3 * error


def test_correlation_within_users_widens_the_bounds():
    rng = np.random.default_rng(21)
    ever = 0
    for _ in range(HISTORIES):
        sequence = bounded(*history(rng, persistence=1.0), ALPHA)
        ever += bool(((sequence.low > 0) | (sequence.high < 0)).any())
    assert ever / HISTORIES <= ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / HISTORIES)


def test_a_true_lead_is_found_and_within_the_bounds():
    rng = np.random.default_rng(22)
    found = held = 0
    for _ in range(50):
        sequence = bounded(*history(rng, mean=0.02), ALPHA)
        found += sequence.first_above_zero() is not None
        held += bool(((sequence.low <= 0.02) & (sequence.high >= 0.02)).all())
    assert found >= 45
    assert held >= 45


def test_the_radius_shrinks_and_is_wider_than_a_fixed_sample_interval():
    difference, landmarks = history(np.random.default_rng(23), persistence=0)
    sequence = bounded(difference, landmarks, ALPHA)
    assert (np.diff(sequence.radius[::5]) < 0).all()
    counts = landmarks.sum(axis=0)
    sums = difference.sum(axis=0)
    fixed = 1.96 * np.sqrt(((sums - counts * sequence.mean[-1]) ** 2).sum()) / counts.sum()
    assert fixed < sequence.radius[-1] < 2.5 * fixed


def test_a_smaller_alpha_has_wider_bounds():
    difference, landmarks = history(np.random.default_rng(24))
    radii = [bounded(difference, landmarks, a).radius[-1] for a in (0.2, 0.05, 0.001)]
    assert radii == sorted(radii)


@pytest.mark.parametrize("scale", [1e-6, 3.0, 1e5])
def test_bounds_scale_with_the_losses(scale):
    difference, landmarks = history(np.random.default_rng(25))
    one = bounded(difference, landmarks, ALPHA)
    other = bounded(scale * difference, landmarks, ALPHA)
    np.testing.assert_allclose(other.mean, scale * one.mean, rtol=1e-9)
    np.testing.assert_allclose(other.radius, scale * one.radius, rtol=1e-9)


def test_past_bounds_do_not_change_as_periods_come_in():
    difference, landmarks = history(np.random.default_rng(26))
    whole = bounded(difference, landmarks, ALPHA)
    half = bounded(difference[:13], landmarks[:13], ALPHA)
    np.testing.assert_allclose(half.low, whole.low[:13])


def test_a_difference_of_exactly_zero_has_radius_zero():
    zero = bounded(np.zeros((3, 256)), np.ones((3, 256)), ALPHA)
    assert zero.radius.tolist() == [0, 0, 0]
    assert zero.first_above_zero() is None


def test_bounds_are_infinite_with_few_buckets():
    landmarks = np.zeros((3, 256))
    landmarks[:, : MIN_BUCKETS - 1] = 100
    sequence = bounded(landmarks * 0.5, landmarks, ALPHA)
    assert sequence.mean[-1] == 0.5
    assert np.isinf(sequence.radius).all()
    landmarks[2] = 100
    difference = np.random.default_rng(0).normal(1, 0.1, (3, 256)) * landmarks
    assert np.isfinite(bounded(difference, landmarks, ALPHA).radius).tolist() == [
        False, False, True
    ]  # fmt: skip


def test_bounds_are_infinite_while_few_buckets_hold_conversions():
    """However many hold landmarks."""
    difference, landmarks = history(np.random.default_rng(28))
    conversions = np.zeros_like(landmarks)
    conversions[2, : MIN_BUCKETS - 1] = 1
    conversions[4, :3] = 1  # in the same buckets
    conversions[5, MIN_BUCKETS - 1] = 1
    sequence = confidence_sequence(difference, landmarks, conversions, ALPHA)
    assert np.isinf(sequence.radius).tolist() == [True] * 5 + [False] * (LOOKS - 5)
    assert (sequence.log_p[:5] == 0).all()
    # A bucket without conversions counts once enough others hold some.
    everywhere = bounded(difference, landmarks, ALPHA)
    np.testing.assert_array_equal(sequence.radius[5:], everywhere.radius[5:])
    np.testing.assert_array_equal(sequence.variance, everywhere.variance)


def test_bounds_are_infinite_without_variance():
    landmarks = np.ones((3, 256))
    assert np.isinf(bounded(0.1 * landmarks, landmarks, ALPHA).radius).all()


def test_periods_without_landmarks_change_nothing():
    difference, landmarks = history(np.random.default_rng(27))
    difference[:2] = landmarks[:2] = 0
    sequence = bounded(difference, landmarks, ALPHA)
    assert np.isinf(sequence.radius).tolist() == [True] * 2 + [False] * 24
    assert np.isfinite(sequence.mean).all()


# --- formulas of bounds and p-values --------------------------------------------------------------


def batch(seed: int, m: int = 6, scale: float = 0.06) -> tuple[np.ndarray, np.ndarray]:
    """Return m differences over the same landmarks, from none to a clear one."""
    rng = np.random.default_rng(seed)
    landmarks = rng.poisson(40, (LOOKS, BUCKETS)).astype(float)
    noise = np.sqrt(landmarks) * rng.standard_normal((m, LOOKS, BUCKETS))
    return noise + np.linspace(-scale, scale, m)[:, None, None] * landmarks, landmarks


@pytest.mark.parametrize("alpha", [0.2, 0.05, 0.001])
@pytest.mark.parametrize("seed", range(4))
def test_the_p_value_is_below_alpha_exactly_where_the_bounds_exclude_zero(alpha, seed):
    sequence = bounded(*batch(seed), alpha)
    excluded = (sequence.low > 0) | (sequence.high < 0)
    np.testing.assert_array_equal(sequence.log_p < np.log(alpha), excluded)
    assert 0 < excluded.sum() < excluded.size


def test_the_p_value_is_one_over_the_likelihood_ratio_of_the_normal_mixture():
    """Robbins' mixture, integrated numerically over the effect."""
    sequence = bounded(*batch(7, m=3, scale=0.01), ALPHA)
    for m in range(3):
        r = sequence.mixture[m]
        for look in (0, 5, LOOKS - 1):
            s, v = (sequence.mean * sequence.landmarks)[m, look], sequence.variance[m, look]
            peak, width = s / (v + 1 / r), (v + 1 / r) ** -0.5

            def mixed(x, s=s, v=v, r=r):
                return np.exp(x * s - x * x * v / 2) * stats.norm.pdf(x, 0, r**0.5)

            ratio = quad(mixed, peak - 12 * width, peak + 12 * width)[0]
            assert sequence.log_p[m, look] == pytest.approx(min(0, -np.log(ratio)), abs=1e-7)


def test_the_variance_is_between_buckets():
    """Compare with a loop over buckets and looks."""
    (difference, *_), landmarks = batch(8, m=1)
    landmarks[:, 200:] = difference[:, 200:] = 0
    sequence = bounded(difference, landmarks, ALPHA)
    for look in (0, 3, LOOKS - 1):
        d = [difference[: look + 1, b].sum() for b in range(200)]
        n = [landmarks[: look + 1, b].sum() for b in range(200)]
        mean = sum(d) / sum(n)
        squares = [(one - count * mean) ** 2 for one, count in zip(d, n, strict=True)]
        assert sequence.mean[look] == pytest.approx(mean)
        assert sequence.variance[look] == pytest.approx(sum(squares) * 200 / 199)


def test_several_differences_at_once_equal_each_alone():
    difference, landmarks = batch(9)
    alphas = np.array([0.2, 0.05, 0.01, 0.05, 0.001, 0.1])
    together = bounded(difference, landmarks, alphas)
    separate = bounded(difference, np.array([landmarks] * 6), alphas)
    for place, alpha in enumerate(alphas):
        alone = bounded(difference[place], landmarks, alpha)
        for many in (together, separate):
            for name in ("mean", "radius", "log_p", "landmarks", "variance", "mixture"):
                np.testing.assert_allclose(
                    getattr(many[place], name), getattr(alone, name), rtol=1e-12, err_msg=name
                )
            assert many[place].first_above_zero() == alone.first_above_zero()


@pytest.mark.parametrize("alpha", [0.2, 0.05])
def test_long_random_walks_cross_the_bounds_about_as_often_as_alpha_allows(alpha):
    """Gaussian random walks whose variance grows ten-thousandfold cross the bounds at rate alpha.

    A walk that is observed continuously and without end crosses with probability alpha. With
    discrete looks that end, some crossings are missed.
    """
    rng = np.random.default_rng(30)
    landmarks = np.ones((70, BUCKETS)) * 1.15 ** np.arange(70)[:, None]
    crossed = histories = 0
    for _ in range(5):
        steps = rng.standard_normal((200, 70, BUCKETS), dtype=np.float32)
        sequence = bounded(steps * np.sqrt(landmarks), landmarks, alpha)
        crossed += int((np.abs(sequence.mean) > sequence.radius).any(axis=-1).sum())
        histories += 200
    assert sequence.variance[0, -1] / sequence.variance[0, 0] > 1e4
    assert alpha / 2 - 3 * np.sqrt(alpha / 2 / histories) < crossed / histories
    assert crossed / histories <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / histories)


@pytest.mark.parametrize("until", [1, 5, 13])
def test_past_bounds_do_not_change_once_equal_models_differ(until):
    """A model may have the forecast of touch volume in its first periods."""
    difference, landmarks = history(np.random.default_rng(31), mean=0.05)
    difference[:until] = 0
    whole = bounded(difference, landmarks, ALPHA)
    for looks in range(1, LOOKS + 1):
        then = bounded(difference[:looks], landmarks[:looks], ALPHA)
        np.testing.assert_allclose(whole.radius[:looks], then.radius, rtol=1e-12)
        np.testing.assert_allclose(whole.log_p[:looks], then.log_p, rtol=1e-12, atol=1e-12)
    assert (whole.radius[:until] == 0).all()
    assert (whole.radius[until:] > 0).all()


# --- the guard for few conversions ----------------------------------------------------------------


def mixture_log_p(sequence: ConfidenceSequence) -> np.ndarray:
    """Return the logarithm of the p-value of the normal mixture alone."""
    r = sequence.mixture[..., None]
    spread = sequence.variance * r + 1
    s = sequence.mean * sequence.landmarks
    return np.minimum(0, np.log(spread) / 2 - s**2 * r / (2 * spread))


@pytest.mark.parametrize("scale", [1.0, 1e-2, 1e-3, 1e-4])
def test_a_p_value_is_at_least_the_likelihood_ratio(scale):
    """The sums are in bits, and the likelihood ratio is the exponential of nats."""
    difference, landmarks = batch(40, scale=0.3)
    sequence = bounded(scale * difference, landmarks, ALPHA)
    nats = np.abs(sequence.mean * sequence.landmarks) * np.log(2)
    expected = np.maximum(mixture_log_p(sequence), -nats)
    np.testing.assert_allclose(sequence.log_p, expected, rtol=1e-9, atol=1e-12)
    excluded = (sequence.low > 0) | (sequence.high < 0)
    np.testing.assert_array_equal(excluded, sequence.log_p < np.log(ALPHA))
    # The bounds reach 0 where only the normal mixture excludes it, and change nowhere else.
    held = (mixture_log_p(sequence) < np.log(ALPHA)) & ~excluded
    np.testing.assert_allclose(sequence.radius[held], np.abs(sequence.mean[held]))
    free = bounded(difference, landmarks, ALPHA)
    np.testing.assert_allclose(sequence.radius[~held], scale * free.radius[~held], rtol=1e-9)
    assert held.any() == (scale < 0.01)


def rare_conversions(histories: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Simulate a few conversions a week, and a model that misses a rare kind of them.

    Touch volume forecasts the true chances. The model forecasts 2 % more for landmarks of the
    common kind, and hardly any conversions of the rare kind: until the first of these it is ahead,
    and the differences hardly vary.

    Returns
    -------
    difference, landmarks, conversions
        By how much less the model loses, in bits; (histories, looks, buckets) arrays.
    """
    rng = np.random.default_rng(seed)
    n, truth = np.array([4, 4]), np.array([0.0024, 0.00005])
    model = np.array([1.02, 0.04]) * truth
    hits = rng.binomial(n, truth, (histories, LOOKS, BUCKETS, 2))
    ratio = hits @ np.log2(model / truth) + (n - hits) @ np.log2((1 - model) / (1 - truth))
    return ratio, np.full(ratio.shape, float(n.sum())), hits.sum(axis=-1).astype(float)


def test_with_few_conversions_the_guard_keeps_the_error_below_alpha():
    """Ville's inequality: touch volume's forecasts are the true chances, so no lead is true."""
    difference, landmarks, conversions = rare_conversions(400, 41)
    sequence = confidence_sequence(difference, landmarks, conversions, ALPHA)
    wrong = (sequence.low > 0).any(axis=-1).mean()
    limit = ALPHA + 3 * np.sqrt(ALPHA * (1 - ALPHA) / 400)
    assert wrong <= limit
    bounded_at_all = np.isfinite(sequence.radius)
    without = (mixture_log_p(sequence) < np.log(ALPHA)) & (sequence.mean > 0) & bounded_at_all
    assert without.any(axis=-1).mean() > 4 * limit
    assert 20 < conversions.sum(axis=(1, 2)).mean() < 100


def test_the_guard_costs_a_true_lead_little_time():
    """With the forecasts reversed: touch volume is wrong by a quarter, and the model is true."""
    rng = np.random.default_rng(42)
    n, truth = np.array([40, 40]), np.array([0.01, 0.02])
    null = np.array([0.015, 0.015])
    later = []
    for _ in range(20):
        hits = rng.binomial(n, truth, (LOOKS, BUCKETS, 2))
        ratio = hits @ np.log2(truth / null) + (n - hits) @ np.log2((1 - truth) / (1 - null))
        landmarks = np.full(ratio.shape, 80.0)
        sequence = confidence_sequence(ratio, landmarks, hits.sum(axis=-1) * 1.0, ALPHA)
        alone = np.flatnonzero(
            (mixture_log_p(sequence) < np.log(ALPHA)) & np.isfinite(sequence.radius)
        )[0]
        found = sequence.first_above_zero()
        assert found is not None
        later.append(found - alone)
    assert max(later) <= 1
    assert np.mean(later) < 0.5


# --- restarted sequences --------------------------------------------------------------------------


def same_past(whole: ConfidenceSequence, then: ConfidenceSequence) -> None:
    looks = then.mean.shape[-1]
    np.testing.assert_allclose(whole.low[:, :looks], then.low, rtol=1e-12)
    np.testing.assert_allclose(whole.high[:, :looks], then.high, rtol=1e-12)
    np.testing.assert_allclose(whole.log_p[:, :looks], then.log_p, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("looks", [1, RESTART_EVERY, RESTART_EVERY + 1, 26, 300])
def test_shares_of_alpha_add_up_to_at_most_one(looks):
    landmarks = np.ones((looks, 32))
    sequences = restarted(np.zeros((1, looks, 32)), landmarks, ALPHA)
    assert sequences.starts.tolist() == list(range(0, looks, RESTART_EVERY))
    assert sequences.alpha_shares[0] == 0.5
    assert (sequences.alpha_shares > 0).all()
    assert sequences.alpha_shares.sum() <= 1
    assert sequences.alpha_shares.sum() == pytest.approx(1 - 0.5 / len(sequences.alpha_shares))


@pytest.mark.parametrize("looks", [1, 5, 26])
def test_folds_have_one_sequence_with_all_of_alpha(looks):
    difference, landmarks = batch(43)
    difference, landmarks = difference[:, :looks], landmarks[:looks]
    found = RestartedSequences.from_differences(
        difference, landmarks, landmarks, ALPHA, restarts=False
    )
    assert found.starts.tolist() == [0]
    assert found.alpha_shares.tolist() == [1.0]
    one = bounded(difference, landmarks, ALPHA)
    np.testing.assert_array_equal(found.full.radius, one.radius)
    sure = one.log_p < np.log(ALPHA)
    np.testing.assert_array_equal(found.signs(ALPHA), np.where(sure, np.sign(one.mean), 0))


def test_a_restarted_sequence_uses_periods_from_its_start_and_its_share_of_alpha():
    difference, landmarks = batch(32)
    sequences = restarted(difference, landmarks, ALPHA)
    for start, share, own in zip(
        sequences.starts, sequences.alpha_shares, sequences.sequences, strict=True
    ):
        for place in range(len(difference)):
            alone = bounded(difference[place, start:], landmarks[start:], ALPHA * share)
            np.testing.assert_allclose(own[place].radius, alone.radius, rtol=1e-12)
            np.testing.assert_allclose(own[place].mean, alone.mean, rtol=1e-12)
    assert sequences.full is sequences.sequences[0]


def test_past_results_of_all_sequences_do_not_change_as_periods_come_in():
    difference, landmarks = batch(33, scale=0.04)
    difference[0, :6] = 0
    whole = restarted(difference, landmarks, ALPHA)
    signs = whole.signs(ALPHA)
    assert np.unique(signs).tolist() == [-1, 0, 1]
    for looks in range(1, LOOKS + 1):
        then = restarted(difference[:, :looks], landmarks[:looks], ALPHA)
        np.testing.assert_array_equal(then.signs(ALPHA), signs[:, :looks])
        np.testing.assert_array_equal(
            then.alpha_shares, whole.alpha_shares[: len(then.alpha_shares)]
        )
        for own, other in zip(whole.sequences, then.sequences, strict=False):
            same_past(own, other)


def test_signs_and_p_values_agree_with_the_sequences():
    """A p-value is below alpha where any sequence is significant at its share of alpha."""
    difference, landmarks = batch(34, m=40, scale=0.05)
    sequences = restarted(difference, landmarks, ALPHA)
    sure = [
        own.log_p[:, -1] < np.log(ALPHA * share)
        for own, share in zip(sequences.sequences, sequences.alpha_shares, strict=True)
    ]
    expected = np.any(sure, axis=0)
    assert 0 < expected.sum() < len(expected)
    signs = sequences.signs(ALPHA)
    np.testing.assert_array_equal(signs[:, -1] != 0, expected)
    ever = np.logical_or.accumulate(signs != 0, axis=1)
    assert (ever[:, -1] != expected).any()
    np.testing.assert_array_equal(sequences.log_p < np.log(ALPHA), ever)
    levels = np.random.default_rng(36).uniform(0.001, 0.3, signs.shape)
    each = [
        [sequences.signs(level)[place, look] for look, level in enumerate(row)]
        for place, row in enumerate(levels)
    ]
    np.testing.assert_array_equal(sequences.signs(levels), each)


def test_without_a_difference_any_sequence_is_wrong_at_most_with_alpha():
    alpha, rng, ever = 0.2, np.random.default_rng(35), 0
    for _ in range(HISTORIES):
        difference, landmarks = history(rng, persistence=0.5)
        ever += bool(restarted(difference[None], landmarks, alpha).signs(alpha).any())
    assert ever / HISTORIES <= alpha + 3 * np.sqrt(alpha * (1 - alpha) / HISTORIES)


def turned(seed: int, lead: float = 0.1, after: int = LOOKS // 2) -> RestartedSequences:
    """Return the sequences of a lead that turns half-way, so that the mean over all is about 0."""
    rng = np.random.default_rng(seed)
    landmarks = np.full((LOOKS, BUCKETS), 40.0)
    mean = np.where(np.arange(LOOKS) < after, lead, -lead)[:, None]
    difference = mean * landmarks + np.sqrt(landmarks) * rng.standard_normal(landmarks.shape)
    return restarted(difference[None], landmarks, ALPHA)


@pytest.mark.parametrize("seed", range(10))
def test_a_turned_lead_is_found_before_the_full_sequence_shows_it(seed):
    sequences = turned(seed)
    [signs] = sequences.signs(ALPHA)
    assert signs[LOOKS // 2 - 1] == 1
    assert signs[-1] == -1
    assert not sequences.full.high[0, -1] < 0


def test_where_sequences_disagree_the_latest_counts():
    sequences = turned(50, lead=0.2, after=20)
    level = np.log(ALPHA)
    for look in range(LOOKS):
        last = 0
        for start, share, own in zip(
            sequences.starts, sequences.alpha_shares, sequences.sequences, strict=True
        ):
            if start <= look and own.log_p[0, look - start] < level + np.log(share):
                last = int(np.sign(own.mean[0, look - start]))
        assert sequences.signs(ALPHA)[0, look] == last
    # The full sequence still shows the old lead.
    assert sequences.full.low[0, -1] > 0
    assert sequences.signs(ALPHA)[0, -1] == -1
