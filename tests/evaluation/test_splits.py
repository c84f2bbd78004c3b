"""What trains and what is forecast: nothing too early, and no more than asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np

from lydite.evaluation.backtest import backtest
from lydite.evaluation.segments import SegmentColumn
from lydite.evaluation.splits import REFIT_SCHEDULE, Split
from lydite.models import make_model
from tests.helpers.random_landmarks import DAY, draw_landmarks, weekly

LANDMARKS = draw_landmarks(np.random.default_rng(0), 6000)
CALENDAR = weekly(4, 6)


def test_training_is_mature_and_periods_are_as_the_calendar_says():
    split = Split.by_period(LANDMARKS, CALENDAR)
    before = 0
    for period, released in enumerate(split.train_added):
        start = CALENDAR.starts[period]
        mature = LANDMARKS.happened_at + CALENDAR.lookback <= start
        before += len(released)
        assert mature[released].all()
        assert before == mature.sum()
        tested = split.test_rows[period]
        inside = (LANDMARKS.happened_at >= start) & (LANDMARKS.happened_at < start + 7 * DAY)
        np.testing.assert_array_equal(tested, np.flatnonzero(inside))


def fitted_before(split: Split, period: int) -> int:
    return next(span.start for span in split.refit_spans() if period in span)


def test_a_fit_is_made_again_once_what_is_known_has_grown_by_a_fifth():
    split = Split.by_period(LANDMARKS, weekly(2, 9, timedelta(days=1)))
    known = split.n_train
    assert known.tolist() == np.cumsum([len(own) for own in split.train_added]).tolist()
    spans = split.refit_spans()
    assert [period for span in spans for period in span] == list(range(9))
    assert 2 < len(spans) < 9
    for span, after in pairwise(spans):
        assert known[span[-1]] < 1.2 * known[span[0]] <= known[after[0]]


def test_of_many_landmarks_it_is_made_again_less_often():
    split = Split.by_period(LANDMARKS, weekly(2, 9, timedelta(days=1)))
    refit = REFIT_SCHEDULE._replace(large_from=int(split.n_train[3]))
    first = [span.start for span in split.refit_spans(refit)]
    for start, after in pairwise(first):
        growth = 1.5 if split.n_train[start] >= refit.large_from else 1.2
        assert split.n_train[after - 1] < growth * split.n_train[start] <= split.n_train[after]
    assert any(split.n_train[start] >= refit.large_from for start in first)
    assert len(first) < len(split.refit_spans())


def test_a_longer_history_takes_no_other_fits_before_its_end():
    short, long = (Split.by_period(LANDMARKS, weekly(4, periods)) for periods in (9, 20))
    for period in range(9):
        assert fitted_before(short, period) == fitted_before(long, period)


def test_trials_that_want_other_periods_share_what_was_taken_out():
    split = Split.by_period(LANDMARKS, CALENDAR)
    wanted = np.ones(len(CALENDAR), dtype=bool)
    first, second = split.with_test_periods(wanted), split.with_test_periods(wanted)
    [span, *_] = split.refit_spans()
    assert first.batch(span) is second.batch(span) is split.batch(span)
    assert first.subsample_train(1000).landmarks is second.subsample_train(1000).landmarks


def test_what_lies_ahead_is_told_by_segment_too():
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


def test_every_fold_has_a_fit_of_its_own():
    assert [list(span) for span in Split.by_fold(LANDMARKS).refit_spans()] == [
        [n] for n in range(5)
    ]


def training_sets(split, rows):
    """Return which landmarks train in each period; `rows` are the numbers of the trial's."""
    known, result = set(), []
    for released, withdrawn in zip(split.train_added, split.train_removed, strict=True):
        known = (known | set(rows[released].tolist())) - set(rows[withdrawn].tolist())
        result.append(known)
    return result


def sampled(split, at_most):
    """Return a sample, and the numbers of its landmarks in the whole."""
    numbered = replace(split.landmarks, hours_since_first=np.arange(len(split.landmarks)))
    part = replace(split, landmarks=numbered).subsample_train(at_most)
    return part, part.landmarks.hours_since_first


def test_a_sample_trains_on_whole_buckets_of_what_is_known_and_no_more_than_asked():
    split, at_most = Split.by_period(LANDMARKS, CALENDAR), len(LANDMARKS) // 8
    everyone = training_sets(split, np.arange(len(LANDMARKS)))
    for own, known in zip(training_sets(*sampled(split, at_most)), everyone, strict=True):
        buckets = LANDMARKS.bucket[list(own)].max() + 1
        assert own == {row for row in known if LANDMARKS.bucket[row] < buckets}
        assert len(own) <= at_most
        assert len(own) == len(known) or len(own) > at_most / 2
    assert split.subsample_train(None) is split.subsample_train(len(LANDMARKS)) is split


def test_later_landmarks_change_nothing_of_a_sample_before_them():
    at_most = len(LANDMARKS) // 8
    until = CALENDAR.starts[3]
    early = np.flatnonzero(LANDMARKS.happened_at < until)
    short = Split.by_period(LANDMARKS.take(early), CALENDAR)
    part, rows = sampled(short, at_most)
    whole = training_sets(*sampled(Split.by_period(LANDMARKS, CALENDAR), at_most))
    known = CALENDAR.starts <= until + CALENDAR.lookback
    for period in np.flatnonzero(known):
        assert {early[row] for row in training_sets(part, rows)[period]} == whole[period]


def test_fewer_landmarks_are_forecast_as_whole_buckets_of_each_period():
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
    np.testing.assert_allclose(part.log_loss[cells], whole.log_loss[cells], rtol=1e-9)
    early = Split.by_period(
        LANDMARKS.take(np.flatnonzero(LANDMARKS.happened_at < CALENDAR.starts[3])), CALENDAR
    )
    for own, before in zip(
        fewer.test_rows[:3], early.subsample_test(200).test_rows[:3], strict=True
    ):
        assert len(own) == len(before)
