"""The ceiling: how much any model could explain, estimated by learners that use all features."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import logit
from threadpoolctl import ThreadpoolController

from lydite.evaluation.adjustment import MAX_LOG_ODDS
from lydite.evaluation.backtest import add_segment_scores
from lydite.evaluation.backtest import forecasts as backtest_forecasts
from lydite.evaluation.parallel import estimated_effort, map_longest_first
from lydite.evaluation.rival_forecasts import RivalForecasts, ceiling_spans, training_sample
from lydite.evaluation.scores import Scores
from lydite.evaluation.segments import ALL
from lydite.paths.arrays import group_sums, parts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from sklearn.ensemble import HistGradientBoostingClassifier

    from lydite.evaluation.splits import Split
    from lydite.models import Landmarks, Model

NAME = "ceiling"
#: Increased whenever the same forecasts of rivals give another ceiling. Scores of an earlier method
#: are not added to.
METHOD = 4
CLAIM = "everything known at the touch, combined by gradient-boosted trees and a regression"
_AT_ONCE = 4096  # landmarks
# With fewer landmarks that convert, or do not, the forecast is the base rate.
_MIN_OF_EACH = 20


def ceiling_scores(
    rivals: Sequence[Model],
    split: Split,
    seed: int = 0,
    threads: int = 1,
    kept: Mapping[str, RivalForecasts] | None = None,
) -> dict[str, Scores]:
    """Score the ceiling over all periods, in a backtest like that of any rival, by segment.

    Its forecast is the mean logit of two learners: gradient-boosted trees on all features, and a
    logistic regression on activity and on the rivals' forecasts (a stack [1]_). With few
    conversions, trees alone forecast worse than the best rival.

    Parameters
    ----------
    rivals
        Their forecasts are features. Those of training landmarks come from a model that was fitted
        on the other half of the buckets.
    split
        Landmarks and calendar; `scored_by_ceiling` reduces the landmarks to forecast.
    seed
        Seeds the trees.
    threads
        How many fits run at once.
    kept
        The forecasts that backtests of rivals have kept, by name. Rivals whose forecasts are not
        complete are backtested here.

    Returns
    -------
    Scores by segment, those of all users first.

    References
    ----------
    .. [1] Wolpert (1992), "Stacked generalization", *Neural Networks* 5(2).
    """
    spans = ceiling_spans(split)

    def draw() -> Split:
        sample = training_sample(split)
        return replace(sample, landmarks=sample.landmarks.with_used_paths())

    def test_landmarks(span: range) -> Landmarks:
        return split.batch(span).landmarks.with_used_paths()

    def forecasts_of(model: Model) -> RivalForecasts:
        known = (kept or {}).get(model.name)
        return known if known is not None and known.covers(split) else _backtested(model, split)

    def forecast(number: int) -> NDArray[np.float64]:
        span = spans[number]
        train = [rival.train[span.start] for rival in by_rival]
        test = [rival.test_in(span, split) for rival in by_rival]
        landmarks = tested[number], split.batch(span).cell
        # OpenMP's limit holds for the thread that sets it, so each thread sets its own.
        with libraries.limit(limits=1, user_api="openmp"):
            rows = sample.training_rows(span.start)
            return _forecast(sample, rows, landmarks, (train, test), seed)

    scores = {ALL: Scores.empty(len(split))}
    libraries = _load_libraries()
    # More threads per matrix or tree would wait for each other.
    with libraries.limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        drawing = pool.submit(draw)
        tested, sample = list(pool.map(test_landmarks, spans)), drawing.result()
        by_rival = map_longest_first(pool, forecasts_of, rivals, estimated_effort)
        numbers = range(len(spans))
        forecasts = map_longest_first(pool, forecast, numbers, lambda number: len(tested[number]))
    for span, log_odds_of_span in zip(spans, forecasts, strict=True):
        add_segment_scores(scores, split.batch(span), log_odds_of_span)
    return scores


def _backtested(model: Model, split: Split) -> RivalForecasts:
    """Return the forecasts of a rival whose backtest has not kept them."""
    kept = RivalForecasts.of(split)
    for _ in backtest_forecasts(model, split, kept):
        pass
    return kept


def _load_libraries() -> ThreadpoolController:
    """Import what the fits need, and find its libraries.

    Both are done before there are threads: a search for libraries and an import that run at the
    same time can wait for each other for ever.
    """
    import sklearn.ensemble  # noqa: PLC0415 - it takes a second
    import sklearn.linear_model  # noqa: F401, PLC0415

    return ThreadpoolController()


def _forecast(
    sample: Split,
    rows: NDArray[np.integer],
    test: tuple[Landmarks, NDArray[np.integer]],
    rivals: tuple[Sequence[NDArray[np.float32]], Sequence[NDArray[np.float32]]],
    seed: int,
) -> NDArray[np.float64]:
    """Fit both learners, and return their mean log-odds for the landmarks to forecast.

    Parameters
    ----------
    sample
    rows
        The landmarks of the sample that are training data.
    test
        The landmarks to forecast, and the activity cell of each.
    rivals
        The forecasts of each, of the training landmarks and of those to forecast.
    seed
    """
    landmarks, activity = sample.landmarks, sample.activity
    total, converted = (float(own[rows].sum()) for own in (landmarks.count, landmarks.hits))
    if min(converted, total - converted) < _MIN_OF_EACH:
        return np.full(len(test[0]), logit((converted + 0.5) / (total + 1)))
    # Weights make trees slow, so they are passed only if a row stands for more than one landmark.
    weight = None if (landmarks.count == 1).all() else landmarks.count[rows]
    outcome, place = landmarks.converted[rows], _places(landmarks, rows)
    train_forecasts, test_forecasts = rivals
    stack = _Stack(activity.design(), activity.cell[rows], train_forecasts, outcome, weight)

    def features(
        some: Landmarks, cell: NDArray[np.integer], forecasts: Sequence[NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        # Rounded, so that trees split alike whatever the order of sums in the regression.
        stacked = stack.log_odds(cell, forecasts).astype(np.float32)
        return np.column_stack([_features(some, place), stacked])

    used = landmarks.take(rows).with_used_paths()
    train = features(used, activity.cell[rows], train_forecasts)
    # Path tables have no times; a column without any value cannot be split.
    usable = ~np.isnan(train).all(axis=0)
    trees = _trees(len(rows), seed)
    trees.fit(train[:, usable], outcome, sample_weight=weight)
    table = features(*test, test_forecasts)[:, usable]
    # Every tree reads every row of a part, so parts are small enough for the cache.
    by_trees = np.concatenate(
        [trees.decision_function(table[part]) for part in parts(len(table), _AT_ONCE)]
    )
    return np.asarray(np.clip((by_trees + table[:, -1]) / 2, -MAX_LOG_ODDS, MAX_LOG_ODDS))


class _Stack:
    """A logistic regression on activity and on the forecasts of rivals, fitted on n landmarks.

    Parameters
    ----------
    terms : (cells, terms) array
        The activity terms of each cell.
    cell : (n,) integers
    forecasts
        Each rival's (n,) log-odds.
    outcome : (n,) bool
    weight : (n,) array
        None where all landmarks have the same weight.
    """

    def __init__(
        self,
        terms: NDArray[np.float64],
        cell: NDArray[np.integer],
        forecasts: Sequence[NDArray[np.float32]],
        outcome: NDArray[np.bool_],
        weight: NDArray[np.floating] | None,
    ) -> None:
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - it takes a second

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


def _trees(n_train: int, seed: int) -> HistGradientBoostingClassifier:
    """Return the trees for a number of training landmarks."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - it takes a second

    return HistGradientBoostingClassifier(
        learning_rate=0.2,
        max_iter=100,
        max_leaf_nodes=6,
        min_samples_leaf=max(50, n_train // 500),
        l2_regularization=20.0,
        max_features=0.5,
        early_stopping=True,
        validation_fraction=0.2,
        n_iter_no_change=5,
        random_state=seed,
    )


def _places(landmarks: Landmarks, rows: NDArray[np.integer]) -> NDArray[np.intp]:
    """Return the rank of each channel by the number of its touches in some rows; -1 for no channel.

    Trees draw columns by position, and the numbers of channels may change as data comes in.
    """
    channel, count = landmarks.history[rows, 0], landmarks.count[rows]
    size = len(landmarks.channels)
    touches = group_sums(channel, count, size)
    hits = group_sums(channel, count * landmarks.converted[rows], size)
    place = np.empty(size + 1, dtype=np.intp)
    place[np.lexsort((hits, touches))] = np.arange(size)
    place[-1] = -1
    return place


def _features(landmarks: Landmarks, place: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return all features of each landmark: activity, calendar, order and mix of channels."""
    on_path, paths = landmarks.paths.path_channels, len(landmarks.paths)
    mix = np.zeros((paths, len(landmarks.channels)), dtype=np.float32)
    mix[on_path.row, place[on_path.channel]] = on_path.touches
    hours = landmarks.local_hours
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
