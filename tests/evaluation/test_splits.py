"""Splits: train rows are mature, test rows follow the calendar, limits are kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit

from lydite.evaluation.backtest import backtest
from lydite.evaluation.segments import SegmentColumn
from lydite.evaluation.splits import RefitSchedule, Split
from lydite.models import make_model
from tests.helpers.random_landmarks import DAY, draw_landmarks, weekly

LANDMARKS = draw_landmarks(np.random.default_rng(0), 6000)
CALENDAR = weekly(4, 6)


def test_train_rows_are_mature_and_test_rows_follow_the_calendar():
    split = Split.by_period(LANDMARKS, CALENDAR)
    before = 0
    for period, added in enumerate(split.train_added):
        start = CALENDAR.starts[period]
        mature = LANDMARKS.happened_at + np.timedelta64(CALENDAR.lookback) <= start
        before += len(added)
        assert mature[added].all()
        assert before == mature.sum()
        rows = split.test_rows[period]
        inside = (LANDMARKS.happened_at >= start) & (LANDMARKS.happened_at < start + 7 * DAY)
        np.testing.assert_array_equal(rows, np.flatnonzero(inside))


def fitted_before(split: Split, period: int) -> int:
    return next(span.start for span in split.refit_spans() if period in span)


def test_models_are_refitted_when_training_data_has_grown_by_half():
    split = Split.by_period(LANDMARKS, weekly(2, 9, timedelta(days=1)))
    n_train = split.n_train
    assert n_train.tolist() == np.cumsum([len(own) for own in split.train_added]).tolist()
    spans = split.refit_spans()
    assert [period for span in spans for period in span] == list(range(9))
    assert 2 < len(spans) < 9
    for span, after in pairwise(spans):
        assert n_train[span[-1]] < 1.5 * n_train[span[0]] <= n_train[after[0]]


def test_large_training_sets_are_refitted_less_often():
    split = Split.by_period(LANDMARKS, weekly(2, 9, timedelta(days=1)))
    schedule = RefitSchedule(0.2, large_from=int(split.n_train[3]), large_growth=0.5)
    first = [span.start for span in split.refit_spans(schedule)]
    for start, after in pairwise(first):
        growth = 1.5 if split.n_train[start] >= schedule.large_from else 1.2
        assert split.n_train[after - 1] < growth * split.n_train[start] <= split.n_train[after]
    assert any(split.n_train[start] >= schedule.large_from for start in first)
    assert len(first) < len(split.refit_spans(RefitSchedule(0.2)))


def test_a_longer_history_does_not_change_earlier_refits():
    short, long = (Split.by_period(LANDMARKS, weekly(4, periods)) for periods in (9, 20))
    for period in range(9):
        assert fitted_before(short, period) == fitted_before(long, period)


def test_splits_with_other_test_periods_share_batches_and_subsamples():
    split = Split.by_period(LANDMARKS, CALENDAR)
    test_periods = np.ones(len(CALENDAR), dtype=bool)
    first, second = split.with_test_periods(test_periods), split.with_test_periods(test_periods)
    [span, *_] = split.refit_spans()
    assert first.batch(span) is second.batch(span) is split.batch(span)
    assert first.subsample_train(1000).landmarks is second.subsample_train(1000).landmarks


def test_a_batch_has_its_landmarks_by_segment():
    codes = np.random.default_rng(3).integers(0, 3, len(LANDMARKS))
    column = SegmentColumn(("kind = a", "kind = b", "kind = c"), codes)
    split = Split.by_period(LANDMARKS, CALENDAR, (column,))
    for span in split.refit_spans():
        batch, (rows, period) = split.batch(span), split.test_rows_in(span)
        np.testing.assert_array_equal(batch.cell, split.activity.cell[rows])
        np.testing.assert_array_equal(batch.landmarks.converted, LANDMARKS.converted[rows])
        assert [label for label, _, _ in batch.segments] == list(column.labels)
        for code, (_, places, outcomes) in enumerate(batch.segments):
            np.testing.assert_array_equal(places, np.flatnonzero(codes[rows] == code))
            for turn, sums in zip(span, outcomes.landmarks, strict=True):
                assert sums.sum() == ((codes[rows] == code) & (period == turn)).sum()
        assert batch.outcomes.conversions.sum() == LANDMARKS.converted[rows].sum()


def test_every_fold_is_fitted_separately():
    assert [list(span) for span in Split.by_fold(LANDMARKS).refit_spans()] == [
        [n] for n in range(5)
    ]


def training_sets(split, rows):
    """Return the train rows of each period; `rows` are their numbers in the whole sample."""
    train, result = set(), []
    for added, removed in zip(split.train_added, split.train_removed, strict=True):
        train = (train | set(rows[added].tolist())) - set(rows[removed].tolist())
        result.append(train)
    return result


def sampled(split, limit):
    """Return a subsample, and the numbers of its landmarks in the whole sample."""
    numbered = replace(split.landmarks, hours_since_first=np.arange(len(split.landmarks)))
    part = replace(split, landmarks=numbered).subsample_train(limit)
    return part, part.landmarks.hours_since_first


def test_a_subsample_trains_on_whole_buckets_within_the_limit():
    split, limit = Split.by_period(LANDMARKS, CALENDAR), len(LANDMARKS) // 8
    whole_sets = training_sets(split, np.arange(len(LANDMARKS)))
    for own, whole in zip(training_sets(*sampled(split, limit)), whole_sets, strict=True):
        buckets = LANDMARKS.bucket[list(own)].max() + 1
        assert own == {row for row in whole if LANDMARKS.bucket[row] < buckets}
        assert len(own) <= limit
        assert len(own) == len(whole) or len(own) > limit / 2
    assert split.subsample_train(None) is split.subsample_train(len(LANDMARKS)) is split


def test_later_landmarks_do_not_change_an_earlier_subsample():
    limit = len(LANDMARKS) // 8
    until = CALENDAR.starts[3]
    early = np.flatnonzero(LANDMARKS.happened_at < until)
    short = Split.by_period(LANDMARKS.take(early), CALENDAR)
    part, rows = sampled(short, limit)
    whole = training_sets(*sampled(Split.by_period(LANDMARKS, CALENDAR), limit))
    known = CALENDAR.starts <= until + np.timedelta64(CALENDAR.lookback)
    for period in np.flatnonzero(known):
        assert {early[row] for row in training_sets(part, rows)[period]} == whole[period]


def test_limited_test_rows_are_scored_given_the_rate_of_whole_days():
    """As forecasts of all landmarks are, so that losses can be compared."""
    lookback = timedelta(hours=36)  # training sets end at noon
    split = Split.by_period(LANDMARKS, replace(CALENDAR, lookback=lookback))
    span = range(len(CALENDAR))
    fewer, rows = split.subsample_test(200), np.concatenate(split.test_rows)
    days = LANDMARKS.happened_at.astype("datetime64[D]")
    batch = fewer.batch(span)
    model = make_model("linear")
    shifts = batch.outcomes.shifts(np.zeros(len(batch.rows)))
    for day in np.unique(days[rows]):
        rate = LANDMARKS.converted[rows][days[rows] == day].mean()
        mine = np.unique(batch.outcomes.stratum[days[batch.rows] == day])
        assert len(mine) <= 1
        if len(mine) and 0 < rate < 1:
            assert expit(shifts[mine[0]]) == pytest.approx(rate)
    whole, part = (backtest(model, own) for own in (split, fewer))
    bits = [own.log_loss[part.cells].sum() for own in (whole, part)]
    assert bits[1] == pytest.approx(bits[0], rel=0.01)
    assert split.subsample_test(len(LANDMARKS)).batch(span).outcomes.day_rate is None


def test_limited_test_rows_are_whole_buckets_of_each_period():
    split = Split.by_period(LANDMARKS, CALENDAR)
    fewer = split.subsample_test(200)
    for own, every in zip(fewer.test_rows, split.test_rows, strict=True):
        within = LANDMARKS.bucket[own].max()
        expected = every[LANDMARKS.bucket[every] <= within]
        np.testing.assert_array_equal(own, expected)
        beyond = LANDMARKS.bucket[every][LANDMARKS.bucket[every] > within]
        assert len(own) <= 200 < len(own) + (beyond == beyond.min()).sum()
    whole, part = (backtest(make_model("linear"), own) for own in (split, fewer))
    cells = part.cells
    np.testing.assert_allclose(part.brier[cells], whole.brier[cells], rtol=1e-9)
    early = Split.by_period(
        LANDMARKS.take(np.flatnonzero(LANDMARKS.happened_at < CALENDAR.starts[3])), CALENDAR
    )
    for own, before in zip(
        fewer.test_rows[:3], early.subsample_test(200).test_rows[:3], strict=True
    ):
        assert len(own) == len(before)
