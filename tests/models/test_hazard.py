"""The additive hazard: maximum of the likelihood, recovered parameters, credit."""

from __future__ import annotations

import copy
import math
import pickle
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from scipy import optimize

from lydite.attribution import touch_credit
from lydite.models import PathChannels, Paths, make_model
from lydite.models.fitted_rules import HALF_LIVES_HOURS
from lydite.models.hazard import AdditiveHazard, _added, _fit
from tests.helpers.hazard_journeys import (
    BASELINE,
    HAZARDS,
    expected_by,
    landmarks_of,
    simulate,
)
from tests.helpers.random_landmarks import reordered


@pytest.fixture(scope="module")
def many():
    return simulate(np.random.default_rng(1), 6000, (BASELINE, HAZARDS, 24.0))


@pytest.fixture(scope="module")
def some(many):
    return landmarks_of(many[:1200])


def found(model):
    return np.append(model.baseline_, model.hazards_)


# --- the fit ------------------------------------------------------------------------------------


def by_optimiser(journeys, channels, half_life):
    """Maximise the penalised likelihood, written out touch by touch, by scipy."""
    conversions = sum(journey.converted for journey in journeys)

    def parts(journey):
        """Yield the touches so far, the hour of the last one, and the end of its interval."""
        ends = [hour for hour, _ in journey.touches[1:]] + [journey.end]
        for number, end in enumerate(ends):
            yield journey.touches[: number + 1], journey.touches[number][0], end

    # What the prior adds: one conversion, in as many hours as one has taken.
    alone = [
        sum(
            expected_by(end - now, past, now, law)
            for journey in journeys
            for past, now, end in parts(journey)
        )
        / max(conversions, 0.5)
        for law in ((1.0, [0.0] * channels, half_life), (0.0, [1.0] * channels, half_life))
    ]
    priors = [alone[0]] + [alone[1]] * channels

    def value(theta):
        law = (theta[0], theta[1:], half_life)
        total = 0.0
        for journey in journeys:
            for past, now, end in parts(journey):
                total -= expected_by(end - now, past, now, law)
            if journey.converted:
                hazard = theta[0]
                for hour, channel in journey.touches:
                    hazard += theta[1 + channel] * 0.5 ** ((journey.end - hour) / half_life)
                total += math.log(hazard)
        return total + sum(
            math.log(one * prior) - one * prior for one, prior in zip(theta, priors, strict=True)
        )

    start = np.log(np.array([0.3 / prior for prior in priors]))
    result = optimize.minimize(
        lambda logs: -value(np.exp(logs).tolist()), start, method="BFGS", options={"gtol": 1e-4}
    )
    return np.exp(result.x), -result.fun


@pytest.mark.parametrize(("seed", "true_half_life"), [(0, 6.0), (1, 72.0), (2, 336.0)])
def test_parameters_maximise_the_penalised_likelihood(seed, true_half_life):
    law = (0.002, (0.03, 0.005), true_half_life)
    journeys = simulate(np.random.default_rng(seed), 30, law)
    fits = [by_optimiser(journeys, 2, float(hours)) for hours in HALF_LIVES_HOURS]
    best = max(range(len(fits)), key=lambda number: fits[number][1])
    landmarks = landmarks_of(journeys, 2)
    model = make_model("additive_hazard")
    intervals = model.encode(landmarks).rows
    exposures, events = (
        intervals.exposures(np.ones(len(landmarks))),
        np.flatnonzero(landmarks.converted),
    )
    for number, (theta, likelihood) in enumerate(fits):
        added = _added(intervals, number, events)
        fitted = _fit(added, np.ones(len(events)), exposures[number])
        np.testing.assert_allclose(fitted[0], theta, rtol=1e-3)
        assert fitted[1] == pytest.approx(likelihood, abs=1e-6)
    model.fit(landmarks)
    assert model.half_life_ == HALF_LIVES_HOURS[best]
    np.testing.assert_allclose(found(model), fits[best][0], rtol=1e-3)


def test_simulated_parameters_are_recovered_within_their_errors(many):
    landmarks = landmarks_of(many)
    model = make_model("additive_hazard").fit(landmarks)
    assert model.half_life_ == 24
    truth = np.array([BASELINE, *HAZARDS])
    information = np.zeros((4, 4))
    for journey in many:
        if journey.converted:
            added = np.array([1.0, 0, 0, 0])
            for hour, channel in journey.touches:
                added[1 + channel] += 0.5 ** ((journey.end - hour) / 24)
            information += np.outer(added, added) / (added @ truth) ** 2
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    assert (errors / truth).max() < 0.2  # so that the test says something
    assert (np.abs(found(model) - truth) < 4 * errors).all()


@pytest.mark.parametrize("half_life", [6.0, 168.0])
def test_other_half_lives_are_found(half_life):
    journeys = simulate(np.random.default_rng(2), 2000, (0.0005, (0.02, 0.006, 0.001), half_life))
    assert make_model("additive_hazard").fit(landmarks_of(journeys)).half_life_ == half_life


def test_the_forecast_is_roughly_calibrated_on_other_journeys(many):
    model = make_model("additive_hazard").fit(landmarks_of(many[:3000]))
    held_out = landmarks_of(many[3000:])
    forecast = model.forecast(held_out)
    assert ((forecast > 0) & (forecast < 1)).all()
    order = np.argsort(forecast)
    for part in np.array_split(order, 4):
        rate = held_out.converted[part].mean()
        error = math.sqrt(rate * (1 - rate) / len(part))
        assert abs(forecast[part].mean() - rate) < 0.15 * rate + 4 * error
    slope = np.polyfit(forecast, held_out.converted.astype(float), 1)[0]
    assert 0.7 < slope < 1.4


def test_the_forecast_is_the_hazard_over_the_usual_time_by_hand(some):
    model = make_model("additive_hazard").fit(some)
    half_life = model.half_life_
    fading = half_life / math.log(2) * (1 - 0.5 ** (some.hours_to_next / half_life))
    added = np.zeros(len(some))
    strength = some.paths.path_channels.weights[f"strength after {half_life:.0f} h"]
    np.add.at(
        added,
        some.paths.path_channels.row,
        strength * model.hazards_[some.paths.path_channels.channel],
    )
    expected = model.baseline_ * some.hours_to_next.mean() + fading.mean() * added
    np.testing.assert_allclose(model.forecast(some), 1 - np.exp(-expected), rtol=1e-9)


def test_touches_without_effect_explain_little():
    journeys = simulate(np.random.default_rng(3), 2000, (0.004, (0.0, 0.0, 0.0), 24.0))
    landmarks = landmarks_of(journeys)
    model = make_model("additive_hazard").fit(landmarks)
    by_baseline = model.baseline_ * landmarks.hours_to_next.sum()
    assert by_baseline > 0.85 * landmarks.converted.sum()
    assert model.forecast(landmarks).std() < 0.02


def test_large_counts_come_to_the_same_hazards(some):
    one = make_model("additive_hazard").fit(replace(some, count=np.full(len(some), 1e3)))
    two = make_model("additive_hazard").fit(replace(some, count=np.full(len(some), 1e6)))
    assert one.half_life_ == two.half_life_
    # What is left is the prior, which is worth a conversion for each parameter in both.
    np.testing.assert_allclose(found(one), found(two), rtol=1e-3)


# --- invariances --------------------------------------------------------------------------------


def test_the_numbers_of_channels_do_not_matter(some):
    renumber = np.array([2, 0, 1])
    path = some.paths.path_channels
    order = np.lexsort((renumber[path.channel], path.row))
    renumbered = PathChannels(
        path.row[order],
        renumber[path.channel][order],
        path.touches[order],
        {name: values[order] for name, values in path.weights.items()},
    )
    other = replace(some, paths=replace(some.paths, path_channels=renumbered))
    one, two = (make_model("additive_hazard").fit(landmarks) for landmarks in (some, other))
    np.testing.assert_allclose(one.hazards_, two.hazards_[renumber], rtol=1e-6)
    np.testing.assert_allclose(one.forecast(some), two.forecast(other), rtol=1e-6)


def test_the_order_of_landmarks_does_not_matter(some):
    order = np.random.default_rng(4).permutation(len(some))
    other = reordered(some, order)
    one, two = (make_model("additive_hazard").fit(landmarks) for landmarks in (some, other))
    np.testing.assert_allclose(found(one), found(two), rtol=1e-6)
    np.testing.assert_allclose(one.forecast(some)[order], two.forecast(other), rtol=1e-6)


def test_weighted_units_are_repeated_journeys(many):
    journeys = many[:500]
    landmarks = landmarks_of(journeys)
    times = np.random.default_rng(5).poisson(1.0, 256)
    repeated = [
        journey
        for number, journey in enumerate(journeys)
        for _ in range(int(times[number % 256]))
    ]  # fmt: skip
    expected = make_model("additive_hazard").fit(landmarks_of(repeated))
    fitted = make_model("additive_hazard").fit(landmarks)
    statistics = fitted.sufficient_statistics(landmarks, 256)
    for model in (make_model("additive_hazard"), copy.copy(fitted)):
        again = model.fit_credit(statistics, times.astype(float))
        assert again.half_life_ == expected.half_life_
        np.testing.assert_allclose(found(again), found(expected), rtol=1e-6)
    counted = make_model("additive_hazard").fit(replace(landmarks, count=times[landmarks.bucket]))
    np.testing.assert_allclose(found(counted), found(expected), rtol=1e-6)
    same = make_model("additive_hazard").fit_credit(statistics, np.ones(256))
    np.testing.assert_allclose(found(same), found(fitted), rtol=1e-9)


def test_rows_may_be_split_by_count(many):
    journeys = many[:400]
    whole = landmarks_of(journeys)
    twice = landmarks_of([*journeys, *journeys])
    part = np.random.default_rng(6).uniform(0.1, 4.9, len(whole))
    split = replace(twice, count=np.concatenate([part, 5 - part]))
    one = make_model("additive_hazard").fit(replace(whole, count=np.full(len(whole), 5.0)))
    two = make_model("additive_hazard").fit(split)
    np.testing.assert_allclose(found(one), found(two), rtol=1e-6)


def test_a_second_fit_is_the_first_on_that_data(many):
    other = landmarks_of(many[2000:3000])
    fresh = make_model("additive_hazard").fit(other)
    again = make_model("additive_hazard").fit(landmarks_of(many[:1000])).fit(other)
    np.testing.assert_allclose(found(again), found(fresh), rtol=1e-9)


# --- credit -------------------------------------------------------------------------------------


def by_hand(hazards, half_life, channels="abc"):
    model = AdditiveHazard()
    model.chosen_ = HALF_LIVES_HOURS.index(half_life)
    model.baseline_, model.hazards_ = 0.5, np.array(hazards)
    model.channels_ = tuple(channels)
    return model


@pytest.mark.parametrize(
    ("half_life", "hours", "channels", "expected"),
    [
        (24, [0], "a", [1]),
        (24, [0, 24], "ac", [2 / 3, 1 / 3]),
        (24, [0, 24], "ca", [1 / 9, 8 / 9]),
        # a is left with 1/4 and 1/2 of 0.04, b with 0.03: half each, the halves of a as 1 to 2.
        (24, [0, 24, 48], "aab", [1 / 6, 1 / 3, 1 / 2]),
        (6, [0, 6, 12], "aaa", [1 / 7, 2 / 7, 4 / 7]),
        (168, [0, 168], "ab", [2 / 5, 3 / 5]),
    ],
)
def test_weights_of_hand_made_paths(half_life, hours, channels, expected):
    paths = pl.DataFrame(
        {
            "path": ["x"] * len(hours),
            "hours_before_end": [float(hours[-1] - hour) for hour in hours],
            "channel": list(channels),
        }
    )
    weights = touch_credit(by_hand([0.04, 0.03, 0.01], half_life), paths)
    np.testing.assert_allclose(weights, expected, rtol=1e-9)


def test_shares_are_parts_of_the_hazard_that_touches_add(some):
    model = make_model("additive_hazard").fit(some)
    n = len(some)
    paths = Paths(
        some.channels, np.zeros(n, dtype=int), np.ones(n), np.ones(n), some.paths.path_channels
    )
    shares = model.shares(model.encode_paths(paths)).toarray()
    strength = np.zeros((n, 3))
    column = f"strength after {model.half_life_:.0f} h"
    strength[some.paths.path_channels.row, some.paths.path_channels.channel] = (
        some.paths.path_channels.weights[column]
    )
    added = strength * model.hazards_
    np.testing.assert_allclose(shares, added / added.sum(axis=1, keepdims=True), rtol=1e-9)


def test_a_touch_weighs_what_is_left_of_its_hazard_to_the_last_digit():
    hazards = [1 / 3, 1e-17 / 7]
    model = by_hand(hazards, 72, "ab")
    assert model.needs_clock
    decay = "power(0.5, hours_before_end / 72.0)"
    assert model.touch_weight.endswith(f" * {decay}")
    written = [float(word) for word in model.touch_weight.split() if "e-" in word]
    assert written == hazards


def test_where_no_touch_adds_anything_all_are_alike():
    paths = pl.DataFrame({"path": 1, "hours_before_end": [48.0, 24.0, 0.0], "channel": list("aab")})
    np.testing.assert_allclose(touch_credit(by_hand([0.0, 0.0], 24, "ab"), paths), 1 / 3)


def test_credit_of_amounts_is_the_sum_of_shares(some):
    model = make_model("additive_hazard").fit(some)
    n, rng = len(some), np.random.default_rng(8)
    paths = Paths(
        some.channels, np.zeros(n, dtype=int), np.ones(n), np.ones(n), some.paths.path_channels
    )
    features, amounts = model.encode_paths(paths), rng.normal(size=(2, n))
    whole = amounts @ model.shares(features).toarray()
    np.testing.assert_allclose(model.credit(features, amounts), whole, rtol=1e-9)
    model.hazards_ = np.array([0.01, 0.0, 0.0])  # some paths have nothing but 0
    whole = amounts @ model.shares(features).toarray()
    np.testing.assert_allclose(model.credit(features, amounts), whole, rtol=1e-9)


# --- edges --------------------------------------------------------------------------------------


@pytest.mark.parametrize("converted", [True, False])
def test_all_or_none_converting(many, converted):
    journeys = [journey for journey in many if journey.converted is converted][:300]
    landmarks = landmarks_of(journeys)
    if converted:
        landmarks = landmarks.without_outcome(np.ones(len(landmarks), dtype=bool))
    model = make_model("additive_hazard").fit(landmarks)
    forecast = model.forecast(landmarks)
    assert np.isfinite(found(model)).all()
    assert (found(model) > 0).all()
    assert ((forecast > 0) & (forecast < 1)).all()
    assert (forecast.mean() > 0.5) if converted else (forecast.mean() < 0.01)


def test_no_landmark_at_all():
    nothing = landmarks_of([])
    model = make_model("additive_hazard").fit(nothing)
    assert np.isfinite(found(model)).all()
    assert model.forecast(nothing).shape == (0,)


def test_units_that_all_weigh_nothing(some):
    model = make_model("additive_hazard")
    model.fit_credit(model.sufficient_statistics(some, 256), np.zeros(256))
    assert np.isfinite(found(model)).all()


def test_one_channel():
    journeys = simulate(np.random.default_rng(7), 1500, (0.001, (0.01,), 24.0))
    landmarks = landmarks_of(journeys, 1)
    model = make_model("additive_hazard").fit(landmarks)
    assert model.half_life_ == 24
    np.testing.assert_allclose(model.hazards_, [0.01], rtol=0.25)
    n = len(landmarks)
    paths = Paths(
        ("a",), np.zeros(n, dtype=int), np.ones(n), np.ones(n), landmarks.paths.path_channels
    )
    np.testing.assert_allclose(model.shares(model.encode_paths(paths)).toarray(), 1)


@pytest.mark.parametrize("channels", [4, 200])
def test_channels_that_are_never_met_stay_at_the_prior(many, channels):
    journeys = many[:600]
    few, more = landmarks_of(journeys, 3), landmarks_of(journeys, channels)
    one, two = (make_model("additive_hazard").fit(landmarks) for landmarks in (few, more))
    np.testing.assert_allclose(found(two)[:4], found(one), rtol=1e-6)
    assert ((two.hazards_[3:] > 0) & (two.hazards_[3:] < 1)).all()
    np.testing.assert_allclose(two.hazards_[3:], two.hazards_[3], rtol=1e-6)
    np.testing.assert_allclose(two.forecast(more), one.forecast(few), rtol=1e-6)


def test_single_precision_is_enough(some):
    path = some.paths.path_channels
    single = {name: values.astype(np.float32) for name, values in path.weights.items()}
    other = replace(some, paths=replace(some.paths, path_channels=replace(path, weights=single)))
    one, two = (make_model("additive_hazard").fit(landmarks) for landmarks in (some, other))
    np.testing.assert_allclose(found(two), found(one), rtol=1e-4)
    np.testing.assert_allclose(two.forecast(other), one.forecast(some), rtol=1e-4)


def test_conversions_at_the_time_of_the_touch(some):
    hours = np.where(some.converted, 0.0, some.hours_to_next)
    model = make_model("additive_hazard").fit(replace(some, hours_to_next=hours))
    assert np.isfinite(found(model)).all()
    everything = replace(some, hours_to_next=np.zeros(len(some)))
    model = make_model("additive_hazard").fit(everything)
    assert np.isfinite(found(model)).all()
    assert np.isfinite(model.forecast(everything)).all()


def test_intervals_that_were_never_observed_do_not_change_the_fit(some):
    model, rows = make_model("additive_hazard"), np.arange(0, len(some), 3)
    features = model.encode(some)
    trials = np.zeros(len(some))
    trials[rows] = 1
    fitted = model.fit_counts(features, trials, trials * some.converted)
    alone = make_model("additive_hazard").fit(some.take(rows))
    assert fitted.chosen_ == alone.chosen_
    np.testing.assert_allclose(fitted.hazards_, alone.hazards_, rtol=1e-6)
    assert fitted.baseline_ == pytest.approx(alone.baseline_, rel=1e-6)
    assert fitted.usual_hours_ == pytest.approx(alone.usual_hours_, rel=1e-9)


def test_exposures_are_sums_over_observed_intervals(some):
    intervals = make_model("additive_hazard").encode(some).rows
    trials = np.random.default_rng(5).integers(0, 3, len(some)).astype(float)
    found = intervals.exposures(trials)
    for number, (strength, fading) in enumerate(
        zip(intervals.strengths, intervals.fading_hours, strict=True)
    ):
        assert found[number, 0] == pytest.approx(trials @ intervals.hours)
        expected = (trials * fading) @ strength.toarray()
        np.testing.assert_allclose(found[number, 1:], expected, rtol=1e-12)


def test_exposures_need_a_count_for_each_interval(some):
    intervals = make_model("additive_hazard").encode(some).rows
    with pytest.raises(ValueError, match="mismatch"):
        intervals.exposures(np.ones(len(some) + 1))


def test_a_stored_model_has_no_data_and_forecasts_the_same(some, many):
    model = make_model("additive_hazard")
    sizes = [len(pickle.dumps(model.fit(journeys))) for journeys in (some, landmarks_of(many))]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)
    loaded = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(loaded.forecast(some), model.forecast(some))
    np.testing.assert_allclose(found(loaded.fit(some)), found(model.fit(some)), rtol=1e-9)
