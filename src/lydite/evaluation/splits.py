"""What trains and what is forecast, period by period or fold by fold."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lydite.evaluation.adjustment import Activity
from lydite.evaluation.scores import Outcomes
from lydite.paths.landmarks import N_BUCKETS, as_slice, first_buckets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lydite.evaluation.calendar import Calendar
    from lydite.evaluation.segments import SegmentColumn
    from lydite.models import Landmarks

FOLDS = 5


class Refit(NamedTuple):
    """By how much what is known must have grown until a fit is made again.

    Attributes
    ----------
    few, many
        The growth, where few or many landmarks are known: of many a fit moves little.
    many_from
        From so many landmarks on they are many.
    """

    few: float
    many: float
    many_from: int

    def due(self, known: int) -> float:
        """Return how many landmarks must be known for the next fit, after one on so many."""
        return known * (1 + (self.few if known < self.many_from else self.many))


REFIT = Refit(few=0.2, many=0.5, many_from=250_000)


@dataclass(frozen=True)
class Split:
    """Landmarks with their calendar: what a walk forward walks over.

    Attributes
    ----------
    landmarks
        The evaluation sample, n landmarks.
    activity
        The activity cell of each landmark.
    tested : list of p index arrays
        The landmarks that are forecast in each period, or fold, in ascending order.
    released : list of p index arrays
        The landmarks that may train from each period on, and not before.
    withdrawn : list of p index arrays
        The landmarks that may train no more from each period on: none where time goes forward.
    known : (p,) integers
        How many landmarks may train before each period: of all, where the trial is a sample.
    wanted : (p,) bool
        The periods to forecast; the others are passed over.
    in_time
        Whether periods follow each other; folds do not.
    segments
        The slices of users that are scored beside all of them.
    """

    landmarks: Landmarks
    activity: Activity
    tested: list[NDArray[Any]]
    released: list[NDArray[Any]]
    withdrawn: list[NDArray[Any]]
    known: NDArray[np.integer]
    wanted: NDArray[np.bool_]
    in_time: bool = True
    segments: tuple[SegmentColumn, ...] = ()
    # Many models ask for the same; trials that differ in the wanted periods alone share them.
    _ahead: dict[tuple[int, ...], TestBatch] = field(default_factory=dict, repr=False)
    _samples: dict[int, Split] = field(default_factory=dict, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @classmethod
    def of(
        cls, landmarks: Landmarks, calendar: Calendar, segments: tuple[SegmentColumn, ...] = ()
    ) -> Split:
        """Lay the calendar over the landmarks."""
        trains_from = calendar.trains_from(landmarks.happened_at)
        released = _by_period(trains_from, len(calendar))
        none = np.empty(0, dtype=np.intp)
        return cls(
            landmarks,
            Activity(landmarks),
            _by_period(calendar.period_of(landmarks.happened_at), len(calendar)),
            released,
            [none] * len(calendar),
            np.cumsum([len(own) for own in released]),
            np.ones(len(calendar), dtype=bool),
            segments=segments,
        )

    @classmethod
    def of_folds(cls, landmarks: Landmarks, folds: int = FOLDS) -> Split:
        """Cross-validate: each fold of the buckets is forecast by models of the others.

        Half of the buckets cross-fits the other half (`CrossFitted`), so that folds go by pairs.
        """
        fold = (landmarks.bucket // 2) % folds
        within = [np.flatnonzero(fold == number) for number in range(folds)]
        none = np.empty(0, dtype=np.intp)
        return cls(
            landmarks,
            Activity(landmarks),
            within,
            [np.flatnonzero(fold != 0), *within[:-1]],
            [none, *within[1:]],
            len(fold) - np.bincount(fold, minlength=folds),
            np.ones(folds, dtype=bool),
            in_time=False,
        )

    def sample(self, at_most: int | None) -> Split:
        """Return the trial with at most so many landmarks that train, as whole buckets.

        Buckets are left out by what is known before each period: what comes later changes nothing
        of the periods before.
        """
        if at_most is None or len(self.landmarks) <= at_most:
            return self
        with self._lock:  # others that ask for the same wait for it
            if at_most not in self._samples:
                self._samples[at_most] = self._drawn(at_most)
        return replace(self._samples[at_most], wanted=self.wanted)

    def _drawn(self, at_most: int) -> Split:
        kept = self._buckets_within(at_most)
        bucket = self.landmarks.bucket
        released = [own[bucket[own] < k] for own, k in zip(self.released, kept, strict=True)]
        withdrawn = [own[bucket[own] < k] for own, k in zip(self.withdrawn, kept, strict=True)]
        known = np.empty(0, dtype=np.intp)
        for period in range(1, len(self)):
            known = np.append(known, released[period - 1])
            stays = bucket[known] < kept[period]
            withdrawn[period] = np.append(withdrawn[period], known[~stays])
            known = known[stays]
        used = np.zeros(len(self.landmarks), dtype=bool)
        for own in released:
            used[own] = True
        rows = np.flatnonzero(used)
        place = np.full(len(self.landmarks), -1, dtype=np.int32)
        place[rows] = np.arange(len(rows))
        tested = [place[own] for own in self.tested]
        return replace(
            self,
            landmarks=self.landmarks.take(rows),
            activity=self.activity.take(rows),
            tested=[own[own >= 0] for own in tested],
            released=[place[own] for own in released],
            withdrawn=[place[own] for own in withdrawn],
            _ahead={},
            _samples={},
            _lock=threading.Lock(),
        )

    def _buckets_within(self, at_most: int) -> NDArray[np.intp]:
        """Return how many buckets hold so many landmarks of those known before each period."""
        sizes = np.array(
            [np.bincount(self.landmarks.bucket[own], minlength=N_BUCKETS) for own in self.released]
        ).cumsum(axis=0)
        if not self.in_time:
            sizes[:] = np.bincount(self.landmarks.bucket, minlength=N_BUCKETS)
        within = (sizes.cumsum(axis=1) <= at_most).sum(axis=1)
        # Both halves of the buckets are needed, to cross-fit one on the other.
        return np.asarray(np.minimum.accumulate(np.maximum(within, 2)))

    def testing(self, at_most: int) -> Split:
        """Return the trial with at most so many landmarks to forecast in a period.

        They are whole buckets, chosen by what there is in the period alone: what comes later
        changes nothing of the periods before.
        """
        bucket = self.landmarks.bucket
        tested = [
            own[bucket[own] < first_buckets(bucket[own], None, at_most)] for own in self.tested
        ]
        return replace(self, tested=tested, _ahead={})

    def spans(self, refit: Refit = REFIT) -> list[range]:
        """Return the periods that share a fit, where any landmark of them is to be forecast.

        The fit is that of the first of them; it is made again once what is known has grown as much
        as `refit` says. A history twice as long takes a few fits more, not twice as many, and no
        forecast rests on much less than what was known. Folds have a fit each.
        """
        first = [0]
        for period in range(1, len(self)):
            due = refit.due(int(self.known[first[-1]]))
            if not self.in_time or self.known[period] >= due:
                first.append(period)
        spans = [range(a, b) for a, b in pairwise([*first, len(self)])]
        return [span for span in spans if len(self.tested_in(span)[0])]

    def tested_in(self, span: range) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Return the landmarks to forecast in some periods, and the period of each."""
        wanted = [period for period in span if self.wanted[period]]
        rows = [self.tested[period] for period in wanted]
        lengths = np.array([len(own) for own in rows], dtype=np.intp)
        empty = np.empty(0, dtype=np.intp)
        return np.concatenate([empty, *rows]), np.repeat(np.array(wanted, dtype=np.intp), lengths)

    def ahead(self, span: range) -> TestBatch:
        """Return what is forecast in some periods."""
        wanted = tuple(period for period in span if self.wanted[period])
        if wanted not in self._ahead:
            self._ahead[wanted] = TestBatch.of(self, span)
        return self._ahead[wanted]

    def only(self, periods: NDArray[np.bool_]) -> Split:
        """Return the same trial with some of its periods to forecast."""
        return replace(self, wanted=periods)

    def __len__(self) -> int:
        """Return the number of periods or folds."""
        return len(self.released)


@dataclass(frozen=True)
class TestBatch:
    """The landmarks that are forecast in some periods, ready for any model.

    Attributes
    ----------
    whole
        The landmarks that they are among.
    rows
        Which of them they are, as `Split.tested_in` numbers them.
    cell : (n,) integers
        The activity cell of each.
    outcomes
        What became of them.
    slices
        For each segment its label, the places of those that are in it, and what became of them.
    """

    whole: Landmarks
    rows: NDArray[np.integer] | slice
    cell: NDArray[np.integer]
    outcomes: Outcomes
    slices: tuple[tuple[str, NDArray[np.intp], Outcomes], ...]

    @classmethod
    def of(cls, trial: Split, span: range) -> TestBatch:
        """Take them out of a trial."""
        places, period = trial.tested_in(span)
        whole, rows = trial.landmarks, as_slice(places)
        bucket, converted, count = whole.bucket[rows], whole.converted[rows], whole.count[rows]
        slices = tuple(
            (label, own, Outcomes.of(period[own], bucket[own], converted[own], count[own]))
            for column in trial.segments
            for label, own in column.split(rows)
        )
        outcomes = Outcomes.of(period, bucket, converted, count)
        return cls(whole, rows, trial.activity.cell[rows], outcomes, slices)

    @cached_property
    def landmarks(self) -> Landmarks:
        """The landmarks themselves."""
        return self.whole.take(self.rows)


def _by_period(period: NDArray[np.int16], periods: int) -> list[NDArray[Any]]:
    """Return the places of each period's number, in ascending order."""
    places = np.arange(len(period), dtype=np.int32)
    if (period[1:] < period[:-1]).any():  # as a rule, landmarks are in the order of time
        places = np.argsort(period, kind="stable").astype(np.int32)
        period = period[places]
    edges = np.searchsorted(period, np.arange(periods + 1, dtype=np.int16))
    return [places[a:b] for a, b in pairwise(edges)]
