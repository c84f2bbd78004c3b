"""The ceiling: how much could be explained at all, by learners that see everything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import logit
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from lydite.evaluation.adjustment import MAX_LOG_ODDS, log_odds
from lydite.evaluation.backtest import add_segment_scores
from lydite.evaluation.cross_fitting import CrossFitted
from lydite.evaluation.parallel import estimated_effort, map_longest_first
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.evaluation.splits import RefitSchedule
from lydite.paths.arrays import group_sums, parts

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lydite.evaluation.splits import Split
    from lydite.models import Landmarks, Model

NAME = "ceiling"
#: Changed whenever the forecasts of the same rivals come to another ceiling: its evidence of before
#: is then not added to.
METHOD = 2
CLAIM = "everything known at the touch, combined by gradient-boosted trees and a regression"
MAX_TRAINING_LANDMARKS = 60_000
#: The ceiling is a yardstick, not a rival: so many landmarks of a period tell how high it is.
MAX_SCORED_LANDMARKS = 20_000
# Trees are grown anew less often than models are fitted: their forecasts age slowly, and growing is
# dear.
_REGROW = RefitSchedule(growth=0.5, large_growth=3.0, large_from=50_000)
_AT_ONCE = 4096  # landmarks
# With fewer conversions, as a very small sample may have, there is nothing to grow trees on.
_MIN_OF_EACH = 20


def ceiling_scores(
    rivals: Sequence[Model], split: Split, seed: int = 0, threads: int = 1
) -> dict[str, Scores]:
    """Score the ceiling over all periods, forward in time like any rival, by segment.

    Its forecast is the mean logit of two learners: gradient-boosted trees on all that is known, and
    a logistic regression on activity and on the rivals' forecasts (a stack [1]_). From few
    conversions the trees alone learn less than the best rival knows.

    Parameters
    ----------
    rivals
        Their forecasts are among what the trees see; for training landmarks, forecasts by a model
        of the other half of the buckets.
    split
        Landmarks and calendar; `scored_by_ceiling` leaves fewer to forecast.
    seed
        Seeds the trees.
    threads
        How many trees are grown at once.

    References
    ----------
    .. [1] Wolpert (1992), "Stacked generalization", *Neural Networks* 5(2).
    """
    spans = split.refit_spans(_REGROW)

    def drawn() -> Split:
        sample = split.subsample_train(MAX_TRAINING_LANDMARKS)
        return replace(sample, landmarks=sample.landmarks.with_used_paths())

    def ahead_of(span: range) -> Landmarks:
        return split.batch(span).landmarks.with_used_paths()

    def walk(model: Model) -> list[_Walked]:
        return list(_walk(model, sample, spans, known, ahead))

    def grow(turn: int) -> NDArray[np.float64]:
        own, cell = [walked[turn] for walked in by_rival], split.batch(spans[turn]).cell
        # A limit of OpenMP's holds for the thread that sets it, so each sets its own.
        with threadpool_limits(1, user_api="openmp"):
            return _grow(sample, known[turn], (ahead[turn], cell), own, seed)

    scores = {ALL: Scores.empty(len(split))}
    with ThreadPoolExecutor(threads) as pool:
        drawing = pool.submit(drawn)
        ahead, sample = list(pool.map(ahead_of, spans)), drawing.result()
        known = [_known(sample, span.start) for span in spans]
        by_rival = map_longest_first(pool, walk, rivals, estimated_effort)
        grown = map_longest_first(pool, grow, range(len(spans)), lambda turn: len(ahead[turn]))
    for span, forecast in zip(spans, grown, strict=True):
        add_segment_scores(scores, split.batch(span), forecast)
    return scores


def scored_by_ceiling(split: Split) -> Split:
    """Return the trial with at most `MAX_SCORED_LANDMARKS` to forecast in each period."""
    return split.subsample_test(MAX_SCORED_LANDMARKS)


def _known(sample: Split, period: int) -> NDArray[np.intp]:
    """Return the landmarks of a sample that may train before a period."""
    known = np.zeros(len(sample.landmarks), dtype=bool)
    for turn in range(period + 1):
        known[sample.train_added[turn]] = True
        known[sample.train_removed[turn]] = False
    return np.flatnonzero(known)


class _Walked(NamedTuple):
    """What a rival says as of one growth, in log-odds.

    Attributes
    ----------
    crossed
        Of what is known, by a model of the other half of the buckets.
    forecast
        Of what lies ahead.
    """

    crossed: NDArray[np.float32]
    forecast: NDArray[np.float32]


def _walk(
    model: Model,
    sample: Split,
    spans: Sequence[range],
    known: Sequence[NDArray[np.intp]],
    ahead: Sequence[Landmarks],
) -> Iterator[_Walked]:
    """Yield what a rival says as of each growth, fitted on what was known by then."""
    fitted = CrossFitted(model, sample)
    index, half = fitted.features.inverse, sample.landmarks.bucket & 1
    for span, rows, landmarks in zip(spans, known, ahead, strict=True):
        fitted.fit_before(span.start)
        even, odd = (score[index[rows]] for score in fitted.crossed())
        crossed = np.where(half[rows] == 0, even, odd)
        forecast = log_odds(fitted.model.forecast(landmarks))
        yield _Walked(crossed.astype(np.float32), forecast.astype(np.float32))


def _grow(
    sample: Split,
    known: NDArray[np.intp],
    ahead: tuple[Landmarks, NDArray[np.integer]],
    rivals: Sequence[_Walked],
    seed: int,
) -> NDArray[np.float64]:
    """Fit both learners on what is known, and return their forecast of what lies ahead.

    Parameters
    ----------
    known
        Which landmarks of the sample train.
    ahead
        The landmarks to forecast, and the activity cell of each.
    """
    landmarks, activity = sample.landmarks, sample.activity
    total, converted = (float(own[known].sum()) for own in (landmarks.count, landmarks.hits))
    if min(converted, total - converted) < _MIN_OF_EACH:
        return np.full(len(ahead[0]), logit((converted + 0.5) / (total + 1)))
    # Weights make the trees slow: they are given only where rows stand for more than one.
    weight = None if (landmarks.count == 1).all() else landmarks.count[known]
    outcome, place = landmarks.converted[known], _places(landmarks, known)
    crossed, own = [rival.crossed for rival in rivals], [rival.forecast for rival in rivals]
    stack = _Stack(activity.design(), activity.cell[known], crossed, outcome, weight)

    def seen(
        some: Landmarks, cell: NDArray[np.integer], forecasts: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        # Rounded, so that trees split alike whatever the order of sums in the regression.
        stacked = stack.log_odds(cell, forecasts).astype(np.float32)
        return np.column_stack([_features(some, place), stacked])

    train = seen(landmarks.take(known).with_used_paths(), activity.cell[known], crossed)
    # Without a clock some of it is known of no landmark; trees cannot be grown on nothing.
    usable = ~np.isnan(train).all(axis=0)
    trees = _trees(len(known), seed)
    trees.fit(train[:, usable], outcome, sample_weight=weight)
    table = seen(*ahead, own)[:, usable]
    # Every tree looks at every row of a part, which had better stay in the cache.
    some = parts(len(table), _AT_ONCE)
    grown = np.concatenate([trees.decision_function(table[part]) for part in some])
    return np.asarray(np.clip((grown + table[:, -1]) / 2, -MAX_LOG_ODDS, MAX_LOG_ODDS))


class _Stack:
    """A logistic regression on activity and on the forecasts of rivals, fitted on n landmarks.

    Parameters
    ----------
    terms : (cells, terms) array
        Those of activity.
    cell : (n,) integers
    forecasts
        Each rival's (n,) log-odds.
    outcome : (n,) bool
    weight : (n,) array
        None where landmarks weigh alike.
    """

    def __init__(
        self,
        terms: NDArray[np.float64],
        cell: NDArray[np.integer],
        forecasts: Sequence[NDArray[np.float32]],
        outcome: NDArray[np.bool_],
        weight: NDArray[np.floating] | None,
    ) -> None:
        regression = LogisticRegression(C=0.02, solver="newton-cholesky")
        table = np.column_stack([terms[cell], *forecasts])
        [weights] = regression.fit(table, outcome, sample_weight=weight).coef_
        of_activity, self._of_rivals = np.split(weights, [terms.shape[1]])
        self._of_cell = regression.intercept_[0] + terms @ of_activity

    def log_odds(
        self, cell: NDArray[np.integer], forecasts: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float64]:
        """Return the log-odds of landmarks."""
        result: NDArray[np.float64] = self._of_cell[cell]
        for weight, forecast in zip(self._of_rivals, forecasts, strict=True):
            result += weight * forecast
        return result


def _trees(known: int, seed: int) -> HistGradientBoostingClassifier:
    """Return the trees to grow on so many landmarks."""
    return HistGradientBoostingClassifier(
        learning_rate=0.2,
        max_iter=100,
        max_leaf_nodes=6,
        min_samples_leaf=max(50, known // 500),
        l2_regularization=20.0,
        max_features=0.5,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=5,
        random_state=seed,
    )


def _places(landmarks: Landmarks, known: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return the place of each channel by how often it is known to be met; -1 for no channel.

    Trees draw columns by place, and the numbers of channels may change as data comes in.
    """
    channel, count = landmarks.history[known, 0], landmarks.count[known]
    size = len(landmarks.channels)
    met = group_sums(channel, count, size)
    hits = group_sums(channel, count * landmarks.converted[known], size)
    place = np.empty(size + 1, dtype=np.intp)
    place[np.lexsort((hits, met))] = np.arange(size)
    place[-1] = -1
    return place


def _features(landmarks: Landmarks, place: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return all that is known at each landmark: activity, calendar, order and mix of channels."""
    met, paths = landmarks.paths.path_channels, len(landmarks.paths)
    mix = np.zeros((paths, len(landmarks.channels)), dtype=np.float32)
    mix[met.row, place[met.channel]] = met.touches
    hours = landmarks.happened_at.astype("datetime64[h]").astype(np.int64)
    return np.column_stack(
        [
            landmarks.path_length,
            landmarks.hours_since_previous,
            landmarks.hours_since_first,
            hours % 24,
            hours // 24 % 7,
            place[landmarks.history[:, :3]],
            mix[landmarks.path],
        ]
    ).astype(np.float32)
