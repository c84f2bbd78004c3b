"""Train and test rows of every period of a backtest, or of every fold of a cross-validation."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lydite.evaluation.adjustment import Activity
from lydite.evaluation.day_levels import DayLevels
from lydite.evaluation.scores import Outcomes
from lydite.paths.arrays import as_slice
from lydite.paths.landmarks import N_BUCKETS, first_buckets

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.day_levels import Levels, Timing
    from lydite.evaluation.segments import SegmentColumn
    from lydite.models import Landmarks

    #: Numbers of some of the landmarks.
    Rows = NDArray[np.integer]

FOLDS = 5


class RefitSchedule(NamedTuple):
    """By which share the training data must grow before a model is refitted.

    Attributes
    ----------
    growth
        The required growth.
    large_from
        Number of landmarks from which a training set is large. By default none is.
    large_growth
        The required growth of a large training set, on which another fit changes little.
    """

    growth: float
    large_from: float = np.inf
    large_growth: float = np.inf

    def next_size(self, n_train: int) -> float:
        """Return the training size at which to refit a model that was fitted on `n_train` rows."""
        return n_train * (1 + (self.growth if n_train < self.large_from else self.large_growth))


REFIT_SCHEDULE = RefitSchedule(growth=0.5)


@dataclass(frozen=True)
class Split:
    """Landmarks of one outcome, split into train and test rows for each of p periods or folds.

    Train rows are stored as differences: the rows that join and leave the training set at the
    start of each period.

    Attributes
    ----------
    landmarks
        The evaluation sample, n landmarks.
    activity
        The activity cell of each landmark.
    test_rows : list of p index arrays
        The landmarks to forecast in each period or fold, in ascending order.
    train_added : list of p index arrays
        The landmarks that join the training set before each period.
    train_removed : list of p index arrays
        The landmarks that leave it. All are empty when the periods follow each other in time.
    n_train : (p,) integers
        Size of the training set before each period. A subsample keeps the sizes of the whole, so
        that both are refitted in the same periods.
    test_periods : (p,) bool
        The periods to forecast; others are skipped.
    chronological
        Whether the periods follow each other in time. Folds do not.
    segments
        Segments of users that are scored in addition to all users.
    timing
        The day and hour of each landmark; None for folds.
    day_levels
        The levels of days and hours; None for folds.
    day_rate : (days,) array
        The share of each day's landmarks that convert, where the test rows are a sample; None
        where they are not.
    drawn_rows : (n,) integers, ascending
        Of a subsample, the numbers of its landmarks in the whole split; None of the whole.
    """

    landmarks: Landmarks
    activity: Activity
    test_rows: Sequence[Rows]
    train_added: Sequence[Rows]
    train_removed: Sequence[Rows]
    n_train: NDArray[np.integer]
    test_periods: NDArray[np.bool_]
    chronological: bool = True
    segments: tuple[SegmentColumn, ...] = ()
    timing: Timing | None = None
    day_levels: DayLevels | None = None
    day_rate: NDArray[np.float64] | None = None
    drawn_rows: Rows | None = None
    # Many models ask for the same batches and subsamples. Splits that differ only in their test
    # periods share these caches.
    _batches: dict[tuple[int, ...], EvaluationBatch] = field(default_factory=dict, repr=False)
    _subsamples: dict[int, Split] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def by_period(
        cls, landmarks: Landmarks, calendar: Calendar, segments: tuple[SegmentColumn, ...] = ()
    ) -> Split:
        """Split landmarks by the periods of a calendar, for a backtest."""
        train_from = calendar.first_training_period(landmarks.happened_at)
        train_added = _rows_by_period(train_from, len(calendar))
        none, activity = np.empty(0, dtype=np.intp), Activity(landmarks)
        day_levels = DayLevels(landmarks, activity, train_from)
        return cls(
            landmarks,
            activity,
            _rows_by_period(calendar.period_of(landmarks.happened_at), len(calendar)),
            train_added,
            [none] * len(calendar),
            np.cumsum([len(rows) for rows in train_added]),
            np.ones(len(calendar), dtype=bool),
            segments=segments,
            timing=day_levels.timing,
            day_levels=day_levels,
        )

    @classmethod
    def by_fold(cls, landmarks: Landmarks, folds: int = FOLDS) -> Split:
        """Split landmarks for cross-validation; each fold is a set of whole buckets.

        Buckets go to folds in pairs, because the even buckets cross-fit the odd ones
        (`CrossFitted`).
        """
        fold = (landmarks.bucket // 2) % folds
        rows_of_fold = [np.flatnonzero(fold == number) for number in range(folds)]
        none = np.empty(0, dtype=np.intp)
        return cls(
            landmarks,
            Activity(landmarks),
            rows_of_fold,
            [np.flatnonzero(fold != 0), *rows_of_fold[:-1]],
            [none, *rows_of_fold[1:]],
            len(fold) - np.bincount(fold, minlength=folds),
            np.ones(folds, dtype=bool),
            chronological=False,
        )

    def subsample_train(self, max_landmarks: int | None) -> Split:
        """Return a split that trains on at most so many landmarks at a time, as whole buckets.

        The buckets of a period depend only on the landmarks that may train before it, so later
        data never changes earlier periods. Without a limit, or where all landmarks are within it,
        the split itself is returned.
        """
        if max_landmarks is None or len(self.landmarks) <= max_landmarks:
            return self
        with self._lock:  # other threads that need the same subsample wait for it
            if max_landmarks not in self._subsamples:
                self._subsamples[max_landmarks] = self._draw_subsample(max_landmarks)
        return replace(self._subsamples[max_landmarks], test_periods=self.test_periods)

    def _draw_subsample(self, max_landmarks: int) -> Split:
        n_buckets = self._buckets_within(max_landmarks)
        bucket = self.landmarks.bucket

        def kept(rows_by_period: Sequence[Rows]) -> list[Rows]:
            return [
                rows[bucket[rows] < n] for rows, n in zip(rows_by_period, n_buckets, strict=True)
            ]

        added, removed = kept(self.train_added), kept(self.train_removed)
        train = np.empty(0, dtype=np.intp)
        for period in range(1, len(self)):  # the number of buckets shrinks as the data grows
            train = np.append(train, added[period - 1])
            stays = bucket[train] < n_buckets[period]
            removed[period] = np.append(removed[period], train[~stays])
            train = train[stays]
        return self._restrict(added, removed)

    def _restrict(self, added: Sequence[Rows], removed: Sequence[Rows]) -> Split:
        """Return a split whose landmarks are those of `added` only, numbered from 0."""
        used = np.zeros(len(self.landmarks), dtype=bool)
        for rows in added:
            used[rows] = True
        rows = np.flatnonzero(used)
        new_row = np.full(len(self.landmarks), -1, dtype=np.int32)
        new_row[rows] = np.arange(len(rows))
        test_rows = [new_row[own] for own in self.test_rows]
        return replace(
            self,
            landmarks=self.landmarks.take(rows),
            activity=self.activity.take(rows),
            timing=None if self.timing is None else self.timing.take(rows),
            test_rows=[own[own >= 0] for own in test_rows],
            train_added=[new_row[own] for own in added],
            train_removed=[new_row[own] for own in removed],
            drawn_rows=rows,
            _batches={},
            _subsamples={},
            _lock=threading.Lock(),
        )

    def _buckets_within(self, max_landmarks: int) -> NDArray[np.intp]:
        """Return for each period how many buckets hold at most so many of its train rows."""
        sizes = np.array(
            [
                np.bincount(self.landmarks.bucket[own], minlength=N_BUCKETS)
                for own in self.train_added
            ]
        ).cumsum(axis=0)
        if not self.chronological:
            sizes[:] = np.bincount(self.landmarks.bucket, minlength=N_BUCKETS)
        within = (sizes.cumsum(axis=1) <= max_landmarks).sum(axis=1)
        # Cross-fitting needs an even and an odd bucket.
        return np.asarray(np.minimum.accumulate(np.maximum(within, 2)))

    @property
    def number_in_whole(self) -> Rows:
        """The number of each landmark in the split that this one is a subsample of."""
        return np.arange(len(self.landmarks)) if self.drawn_rows is None else self.drawn_rows

    def find(self, rows: Rows) -> Rows | None:
        """Return the numbers here of landmarks of the whole split; None if some are missing."""
        if self.drawn_rows is None:
            return rows
        own = np.searchsorted(self.drawn_rows, rows)
        found = own < len(self.drawn_rows)
        found[found] = self.drawn_rows[own[found]] == rows[found]
        return own if found.all() else None

    def levels(self, period: int) -> Levels | None:
        """Return the levels of days and hours before a period; None for folds."""
        return None if self.day_levels is None else self.day_levels.before(period)

    def training_rows(self, period: int) -> Rows:
        """Return the landmarks that are training data before a period."""
        added, removed = self.train_added[: period + 1], self.train_removed[: period + 1]
        if not any(len(gone) for gone in removed):
            return np.concatenate(added)
        training = np.zeros(len(self.landmarks), dtype=bool)
        for joins, leaves in zip(added, removed, strict=True):
            training[joins] = True
            training[leaves] = False
        return np.flatnonzero(training)

    def subsample_test(self, max_landmarks: int) -> Split:
        """Return a split with at most so many test rows per period, as whole buckets.

        The buckets of a period depend on its own test rows only, so later data never changes
        earlier periods. Forecasts are shifted to the share of all landmarks of a day that convert,
        as those of models are that forecast all of them.
        """
        bucket = self.landmarks.bucket
        test_rows = [
            rows[bucket[rows] < first_buckets(bucket[rows], None, max_landmarks)]
            for rows in self.test_rows
        ]
        all_rows = sum(map(len, test_rows)) == sum(map(len, self.test_rows))
        return replace(
            self,
            test_rows=test_rows,
            day_rate=None if all_rows else self._day_rate(),
            _batches={},
        )

    def _day_rate(self) -> NDArray[np.float64] | None:
        """Return the share of the test rows of each day that convert."""
        if self.timing is None:
            return None
        rows = np.concatenate(self.test_rows)
        day, converted = self.timing.day(rows), self.landmarks.converted[rows]
        size = int(self.timing.day_of_stratum.max(initial=-1)) + 1
        landmarks = np.bincount(day, minlength=size)
        return np.bincount(day, converted, size) / np.maximum(landmarks, 1)

    def refit_periods(
        self, schedule: RefitSchedule = REFIT_SCHEDULE, among: Iterable[int] | None = None
    ) -> list[int]:
        """Return the periods before which a model is fitted.

        The next one is where the training data has grown as the schedule requires, so a history
        twice as long needs a few more fits, not twice as many. Every fold is fitted separately.

        Parameters
        ----------
        schedule
        among
            The periods to choose from; all when None.
        """
        first = [0]
        for period in range(1, len(self)) if among is None else sorted(set(among) - {0}):
            refit_at = schedule.next_size(int(self.n_train[first[-1]]))
            if not self.chronological or self.n_train[period] >= refit_at:
                first.append(period)
        return first

    def refit_spans(
        self, schedule: RefitSchedule = REFIT_SCHEDULE, among: Iterable[int] | None = None
    ) -> list[range]:
        """Return the ranges of periods that share a fit, leaving out those without test rows.

        A model is fitted before the first period of a range (`refit_periods`).
        """
        first = self.refit_periods(schedule, among)
        spans = [range(a, b) for a, b in pairwise([*first, len(self)])]
        return [span for span in spans if len(self.test_rows_in(span)[0])]

    def test_rows_in(self, span: range) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the landmarks to forecast in a range of periods, and the period of each."""
        periods = [period for period in span if self.test_periods[period]]
        rows = [self.test_rows[period] for period in periods]
        lengths = np.array([len(own) for own in rows], dtype=np.intp)
        empty = np.empty(0, dtype=np.intp)
        return np.concatenate([empty, *rows]), np.repeat(np.array(periods, dtype=np.intp), lengths)

    def batch(self, span: range) -> EvaluationBatch:
        """Return the landmarks to forecast in a range of periods, as one batch."""
        key = tuple(period for period in span if self.test_periods[period])
        if key not in self._batches:
            self._batches[key] = EvaluationBatch.from_split(self, span)
        return self._batches[key]

    def with_test_periods(self, test_periods: NDArray[np.bool_]) -> Split:
        """Return the same split with only some periods to forecast; p booleans."""
        return replace(self, test_periods=test_periods)

    def __len__(self) -> int:
        """Return the number of periods or folds."""
        return len(self.train_added)


@dataclass(frozen=True)
class EvaluationBatch:
    """The n landmarks to forecast in a range of periods, prepared once for all models.

    Attributes
    ----------
    sample
        The landmarks of the whole split.
    rows
        Which of them are in the batch.
    cell : (n,) integers
        The activity cell of each landmark of the batch.
    hour : (n,) integers
        The hour of day of each landmark of the batch; None for folds.
    outcomes
        Their outcomes.
    segments
        For each segment its label, the places of its landmarks in the batch, and their outcomes.
    """

    sample: Landmarks
    rows: NDArray[np.integer] | slice
    cell: NDArray[np.integer]
    hour: NDArray[np.integer] | None
    outcomes: Outcomes
    segments: tuple[tuple[str, NDArray[np.intp], Outcomes], ...]

    @classmethod
    def from_split(cls, split: Split, span: range) -> EvaluationBatch:
        """Take the test rows of a range of periods."""
        places, period = split.test_rows_in(span)
        sample, rows = split.landmarks, as_slice(places)
        bucket, converted, count = sample.bucket[rows], sample.converted[rows], sample.count[rows]
        timing = split.timing
        hour, stratum = (None, None) if timing is None else (timing.hour[rows], timing.day(rows))

        def outcomes(
            own: NDArray[np.intp] | slice, day_rate: NDArray[np.float64] | None = None
        ) -> Outcomes:
            day = None if stratum is None else stratum[own]
            columns = period[own], bucket[own], converted[own], count[own]
            return Outcomes.of(*columns, day, day_rate)

        segments = tuple(
            (label, own, outcomes(own))
            for column in split.segments
            for label, own in column.split(rows)
        )
        cell = split.activity.cell[rows]
        all_users = outcomes(slice(None), split.day_rate)
        return cls(sample, rows, cell, hour, all_users, segments)

    @cached_property
    def landmarks(self) -> Landmarks:
        """The landmarks of the batch."""
        return self.sample.take(self.rows)


def _rows_by_period(period: NDArray[np.int16], n_periods: int) -> list[Rows]:
    """Return the rows of each period, in ascending order; a period of -1 is none of them."""
    rows = np.arange(len(period), dtype=np.int32)
    if (period[1:] < period[:-1]).any():  # usually the landmarks are in order of time
        rows = np.argsort(period, kind="stable").astype(np.int32)
        period = period[rows]
    edges = np.searchsorted(period, np.arange(n_periods + 1, dtype=np.int16))
    return [rows[a:b] for a, b in pairwise(edges)]
